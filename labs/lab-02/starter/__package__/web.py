"""The web desk. Run it with `python -m <%= package %>.web`."""

import html
import logging
import os
import time

from flask import Flask, abort, request

from <%= package %> import config, database, <%= tariff %>

logging.basicConfig(filename=config.LOG_FILE, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("<%= package %>")

app = Flask(__name__)
TARIFF = <%= tariff %>.load()
DB = database.connect()


@app.after_request
def note(response):
    log.info("%s %s -> %s", request.method, request.path, response.status_code)
    return response


def <%= item %>_or_404(<%= item %>_id):
    rows = database.query(DB, "SELECT id, <%= person %>, <%= measure %>, <%= price %> FROM <%= items %> WHERE id = %s", <%= item %>_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "<%= person %>", "<%= measure %>", "<%= price %>"), rows[0]))


@app.get("/")
def home():
    count = database.query(DB, "SELECT count(*) FROM <%= items %>")[0][0]
    return f"<!doctype html><title><%= title %></title><h1>{html.escape(config.<%= site %>)}</h1><p>{count} <%= items %></p>"


@app.get("/healthz")
def healthz():
    return {"status": "alive"}


@app.post("/<%= items %>")
def take_<%= item %>():
    body = request.get_json()
    try:
        cents = <%= tariff %>.price(TARIFF, int(body["<%= measure %>"]))
        <%= person %> = str(body["<%= person %>"])
    except (KeyError, TypeError, ValueError) as problem:
        return {"error": str(problem)}, 400
    rows = database.query(
        DB,
        "INSERT INTO <%= items %> (<%= person %>, <%= measure %>, <%= price %>) VALUES (%s, %s, %s) RETURNING id",
        <%= person %>,
        int(body["<%= measure %>"]),
        cents,
    )
    return <%= item %>_or_404(rows[0][0]), 201


@app.get("/<%= items %>/<int:<%= item %>_id>")
def show_<%= item %>(<%= item %>_id):
    return <%= item %>_or_404(<%= item %>_id)


@app.post("/<%= items %>/<int:<%= item %>_id>/<%= scan %>")
def attach(<%= item %>_id):
    <%= item %>_or_404(<%= item %>_id)
    os.makedirs(config.UPLOADS, exist_ok=True)
    with open(os.path.join(config.UPLOADS, str(<%= item %>_id)), "wb") as file:
        file.write(request.get_data())
    return {"bytes": request.content_length}, 201


@app.get("/<%= items %>/<int:<%= item %>_id>/<%= scan %>")
def <%= scan %>(<%= item %>_id):
    path = os.path.join(config.UPLOADS, str(<%= item %>_id))
    if not os.path.exists(path):
        abort(404)
    with open(path, "rb") as file:
        return app.response_class(file.read(), mimetype="application/octet-stream")


@app.get("/<%= report %>")
def slow_report():
    """The daily report. Leave the wait in: it stands for the real one, which nobody dares to touch."""
    time.sleep(1.5)
    count = database.query(DB, "SELECT count(*) FROM <%= items %>")[0][0]
    return {"<%= items %>": count, "complete": True}


@app.post("/<%= jobs %>")
def order_label():
    <%= item %> = <%= item %>_or_404(int(request.get_json()["<%= item %>_id"]))
    rows = database.query(DB, "INSERT INTO <%= jobs %> (<%= item %>_id) VALUES (%s) RETURNING id", <%= item %>["id"])
    return {"id": rows[0][0], "state": "queued"}, 202


@app.get("/<%= jobs %>/<int:job_id>")
def show_job(job_id):
    rows = database.query(DB, "SELECT id, state, <%= label %> FROM <%= jobs %> WHERE id = %s", job_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "state", "<%= label %>"), rows[0]))


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=<%= port %>)
