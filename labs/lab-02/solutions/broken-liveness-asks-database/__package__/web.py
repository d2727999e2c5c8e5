"""The web desk."""

import html
import os
import time

from flask import Flask, abort, request

from <%= package %> import config, database, <%= tariff %>

app = Flask(__name__)
TARIFF = <%= tariff %>.load()
READY = {"tables": False}


def run(sql, *values):
    """One statement in a transaction of its own; makes the tables before the first one."""
    if not READY["tables"]:
        database.prepare()
        READY["tables"] = True
    with database.transaction() as cursor:
        return database.query(cursor, sql, *values)


def <%= item %>_or_404(<%= item %>_id):
    rows = run("SELECT id, <%= person %>, <%= measure %>, <%= price %> FROM <%= items %> WHERE id = %s", <%= item %>_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "<%= person %>", "<%= measure %>", "<%= price %>"), rows[0]))


@app.get("/")
def home():
    return f"<!doctype html><title><%= title %></title><h1>{html.escape(config.<%= site %>)}</h1>"


@app.get("/healthz")
def healthz():
    run("SELECT 1")
    return {"status": "alive"}


@app.get("/readyz")
def readyz():
    try:
        run("SELECT count(*) FROM <%= items %>")
    except Exception as problem:
        app.logger.warning("not ready: %s", problem)
        return {"status": "waiting for the database"}, 503
    return {"status": "ready"}


@app.post("/<%= items %>")
def take_<%= item %>():
    body = request.get_json()
    try:
        cents = <%= tariff %>.price(TARIFF, int(body["<%= measure %>"]))
        <%= person %> = str(body["<%= person %>"])
    except (KeyError, TypeError, ValueError) as problem:
        return {"error": str(problem)}, 400
    rows = run(
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
    path = os.path.join(config.UPLOADS, str(<%= item %>_id))
    with open(path + ".part", "wb") as file:
        file.write(request.get_data())
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)
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
    return {"<%= items %>": run("SELECT count(*) FROM <%= items %>")[0][0], "complete": True}


@app.post("/<%= jobs %>")
def order_label():
    <%= item %> = <%= item %>_or_404(int(request.get_json()["<%= item %>_id"]))
    rows = run("INSERT INTO <%= jobs %> (<%= item %>_id) VALUES (%s) RETURNING id", <%= item %>["id"])
    return {"id": rows[0][0], "state": "queued"}, 202


@app.get("/<%= jobs %>/<int:job_id>")
def show_job(job_id):
    rows = run("SELECT id, state, <%= label %> FROM <%= jobs %> WHERE id = %s", job_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "state", "<%= label %>"), rows[0]))
