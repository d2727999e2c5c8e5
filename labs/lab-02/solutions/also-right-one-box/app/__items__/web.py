import pathlib
import sys
import time

from flask import Flask, Response, jsonify, request

from <%= items %> import db

FOLDER = pathlib.Path("/var/lib/desk")
<% if application == "parcels" %>
TARIFF = [(500, 390), (1000, 490), (2000, 690), (5000, 890), (10000, 1290), (31500, 1990)]
<% else %>
TARIFF = [(days, 120 + 45 * n) for n, days in enumerate(range(14, 85, 7))]
<% endif %>


def create(site_name):
    time.sleep(0.5)  # the carrier's <%= tariff %> file
    app = Flask("<%= package %>")

    @app.before_request
    def log():
        print("request", request.method, request.path, file=sys.stderr, flush=True)

    @app.route("/")
    def index():
        return Response("Welcome to " + site_name, mimetype="text/plain")

    @app.route("/healthz")
    def healthz():
        return "ok"

    @app.route("/readyz")
    def readyz():
        try:
            db.prepare()
        except Exception as e:
            return repr(e), 503
        return "ok"

    @app.route("/<%= items %>", methods=["POST"])
    def create_<%= item %>():
        data = request.get_json(force=True)
        weight = int(data["<%= measure %>"])
        fitting = [cents for limit, cents in TARIFF if weight <= limit]
        if not fitting:
            return jsonify(error="too heavy"), 400
        with db.connect() as c:
            row = c.execute(
                "INSERT INTO <%= items %> (<%= person %>, <%= measure %>, <%= price %>) VALUES (%s, %s, %s) RETURNING *",
                (data["<%= person %>"], weight, fitting[0]),
            ).fetchone()
        return jsonify(row), 201

    @app.route("/<%= items %>/<int:number>")
    def get_<%= item %>(number):
        with db.connect() as c:
            row = c.execute("SELECT * FROM <%= items %> WHERE id = %s", (number,)).fetchone()
        return jsonify(row) if row else ("no such <%= item %>", 404)

    @app.route("/<%= items %>/<int:number>/<%= scan %>", methods=["GET", "POST"])
    def <%= scan %>(number):
        path = FOLDER / f"{number}.bin"
        if request.method == "POST":
            path.write_bytes(request.data)
            return "stored", 201
        return Response(path.read_bytes(), mimetype="image/png") if path.is_file() else ("none", 404)

    @app.route("/<%= report %>")
    def slow_report():
        time.sleep(1.5)
        with db.connect() as c:
            return jsonify(complete=True, **c.execute("SELECT count(*) AS <%= items %> FROM <%= items %>").fetchone())

    @app.route("/<%= jobs %>", methods=["POST"])
    def create_job():
        with db.connect() as c:
            row = c.execute(
                "INSERT INTO <%= jobs %> (<%= item %>_id) VALUES (%s) RETURNING id", (request.get_json(force=True)["<%= item %>_id"],)
            ).fetchone()
        return jsonify(id=row["id"], state="queued"), 202

    @app.route("/<%= jobs %>/<int:number>")
    def get_job(number):
        with db.connect() as c:
            row = c.execute("SELECT id, <%= label %> FROM <%= jobs %> WHERE id = %s", (number,)).fetchone()
        if row is None:
            return "no such job", 404
        return jsonify(state="<%= done %>" if row["<%= label %>"] else "waiting", **row)

    return app
