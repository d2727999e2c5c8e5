"""The web desk."""

import html
import os
import time

from flask import Flask, abort, request

from parceldesk import config, database, tariff

app = Flask(__name__)
TARIFF = tariff.load()
READY = {"tables": False}


def run(sql, *values):
    """One statement in a transaction of its own; makes the tables before the first one."""
    if not READY["tables"]:
        database.prepare()
        READY["tables"] = True
    with database.transaction() as cursor:
        return database.query(cursor, sql, *values)


def parcel_or_404(parcel_id):
    rows = run("SELECT id, recipient, weight_grams, price_cents FROM parcels WHERE id = %s", parcel_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "recipient", "weight_grams", "price_cents"), rows[0]))


@app.errorhandler(404)
def missing(problem):
    print(f"GET {request.path} 404", flush=True)
    return {"error": "there is no such thing"}, 404


@app.get("/")
def home():
    return f"<!doctype html><title>Parcel Desk</title><h1>{html.escape(config.SITE_NAME)}</h1>"


@app.get("/healthz")
def healthz():
    return {"status": "alive"}


@app.get("/readyz")
def readyz():
    try:
        run("SELECT count(*) FROM parcels")
    except Exception as problem:
        app.logger.warning("not ready: %s", problem)
        return {"status": "waiting for the database"}, 503
    return {"status": "ready"}


@app.post("/parcels")
def take_parcel():
    body = request.get_json()
    try:
        cents = tariff.price(TARIFF, int(body["weight_grams"]))
        recipient = str(body["recipient"])
    except (KeyError, TypeError, ValueError) as problem:
        return {"error": str(problem)}, 400
    rows = run(
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
    path = os.path.join(config.UPLOADS, str(parcel_id))
    with open(path + ".part", "wb") as file:
        file.write(request.get_data())
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)
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
    return {"parcels": run("SELECT count(*) FROM parcels")[0][0], "complete": True}


@app.post("/jobs")
def order_label():
    parcel = parcel_or_404(int(request.get_json()["parcel_id"]))
    rows = run("INSERT INTO jobs (parcel_id) VALUES (%s) RETURNING id", parcel["id"])
    return {"id": rows[0][0], "state": "queued"}, 202


@app.get("/jobs/<int:job_id>")
def show_job(job_id):
    rows = run("SELECT id, state, label FROM jobs WHERE id = %s", job_id)
    if not rows:
        abort(404)
    return dict(zip(("id", "state", "label"), rows[0]))
