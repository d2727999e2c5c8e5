"""The web desk. Run it with `python -m parceldesk.web`."""

import html
import logging
import os
import time

from flask import Flask, abort, request

from parceldesk import config, database, tariff

logging.basicConfig(filename=config.LOG_FILE, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("parceldesk")

app = Flask(__name__)
TARIFF = tariff.load()
DB = database.connect()


@app.after_request
def note(response):
    log.info("%s %s -> %s", request.method, request.path, response.status_code)
    return response


def parcel_or_404(parcel_id):
    rows = database.query(DB, "SELECT id, recipient, weight_grams, price_cents FROM parcels WHERE id = %s", parcel_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "recipient", "weight_grams", "price_cents"), rows[0]))


@app.get("/")
def home():
    count = database.query(DB, "SELECT count(*) FROM parcels")[0][0]
    return f"<!doctype html><title>Parcel Desk</title><h1>{html.escape(config.SITE_NAME)}</h1><p>{count} parcels</p>"


@app.get("/healthz")
def healthz():
    return {"status": "alive"}


@app.post("/parcels")
def take_parcel():
    body = request.get_json()
    try:
        cents = tariff.price(TARIFF, int(body["weight_grams"]))
        recipient = str(body["recipient"])
    except (KeyError, TypeError, ValueError) as problem:
        return {"error": str(problem)}, 400
    rows = database.query(
        DB,
        "INSERT INTO parcels (recipient, weight_grams, price_cents) VALUES (%s, %s, %s) RETURNING id",
        recipient,
        int(body["weight_grams"]),
        cents,
    )
    return parcel_or_404(rows[0][0]), 201


@app.get("/parcels/<int:parcel_id>")
def show_parcel(parcel_id):
    return parcel_or_404(parcel_id)


@app.post("/parcels/<int:parcel_id>/attachment")
def attach(parcel_id):
    parcel_or_404(parcel_id)
    os.makedirs(config.UPLOADS, exist_ok=True)
    with open(os.path.join(config.UPLOADS, str(parcel_id)), "wb") as file:
        file.write(request.get_data())
    return {"bytes": request.content_length}, 201


@app.get("/parcels/<int:parcel_id>/attachment")
def attachment(parcel_id):
    path = os.path.join(config.UPLOADS, str(parcel_id))
    if not os.path.exists(path):
        abort(404)
    with open(path, "rb") as file:
        return app.response_class(file.read(), mimetype="application/octet-stream")


@app.get("/slow-report")
def slow_report():
    """The daily report. Leave the wait in: it stands for the real one, which nobody dares to touch."""
    time.sleep(1.5)
    count = database.query(DB, "SELECT count(*) FROM parcels")[0][0]
    return {"parcels": count, "complete": True}


@app.post("/jobs")
def order_label():
    parcel = parcel_or_404(int(request.get_json()["parcel_id"]))
    rows = database.query(DB, "INSERT INTO jobs (parcel_id) VALUES (%s) RETURNING id", parcel["id"])
    return {"id": rows[0][0], "state": "queued"}, 202


@app.get("/jobs/<int:job_id>")
def show_job(job_id):
    rows = database.query(DB, "SELECT id, state, label FROM jobs WHERE id = %s", job_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "state", "label"), rows[0]))


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=8080)
