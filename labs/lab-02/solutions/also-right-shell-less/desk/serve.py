"""The web desk on the standard library's threaded server."""

import http.server
import json
import os
import pathlib
import re
import signal
import threading
import time

from desk import store, work

SCANS = pathlib.Path("/scans")


def home(call):
    return 200, f"<h1>{os.environ['<%= site %>']}</h1>".encode()


def healthz(call):
    return 200, {"alive": True}


def readyz(call):
    try:
        store.run("SELECT 1")
    except Exception as problem:
        return 503, {"waiting": str(problem)}
    return 200, {"ready": True}


def new_<%= item %>(call):
    try:
        body = json.loads(call.body)
        cents = work.price(int(body["<%= measure %>"]))
    except (ValueError, KeyError, StopIteration):
        return 400, {"error": "<%= person %> and <%= measure %>, please; 31.5 kg at the most"}
    row = store.run(
        "INSERT INTO <%= item %> (<%= person %>, <%= measure %>, <%= price %>) VALUES (:r, :w, :c) RETURNING id",
        r=body["<%= person %>"],
        w=int(body["<%= measure %>"]),
        c=cents,
    )
    return 201, find(row[0][0])


def find(number):
    rows = store.run("SELECT id, <%= person %>, <%= measure %>, <%= price %> FROM <%= item %> WHERE id = :n", n=int(number))
    return dict(zip(("id", "<%= person %>", "<%= measure %>", "<%= price %>"), rows[0])) if rows else None


def <%= item %>(call, number):
    found = find(number)
    return (200, found) if found else (404, {})


def new_scan(call, number):
    if not find(number):
        return 404, {}
    part = SCANS / f"{number}.{threading.get_ident()}"
    part.write_bytes(call.body)
    part.rename(SCANS / number)
    return 201, {"bytes": len(call.body)}


def scan(call, number):
    path = SCANS / number
    return (200, path.read_bytes()) if path.exists() else (404, {})


def report(call):
    time.sleep(1.5)
    return 200, {"<%= items %>": store.run("SELECT count(*) FROM <%= item %>")[0][0], "complete": True}


def new_job(call):
    row = store.run("INSERT INTO <%= label %> (<%= item %>) VALUES (:p) RETURNING id", p=json.loads(call.body)["<%= item %>_id"])
    return 202, {"id": row[0][0], "state": "queued"}


def job(call, number):
    rows = store.run("SELECT text FROM <%= label %> WHERE id = :n", n=int(number))
    if not rows:
        return 404, {}
    return 200, {"id": int(number), "state": "<%= done %>" if rows[0][0] else "queued", "<%= label %>": rows[0][0]}


ROUTES = [
    ("GET", "/", home),
    ("GET", "/healthz", healthz),
    ("GET", "/readyz", readyz),
    ("POST", "/<%= items %>", new_<%= item %>),
    ("GET", r"/<%= items %>/(\d+)", <%= item %>),
    ("POST", r"/<%= items %>/(\d+)/<%= scan %>", new_scan),
    ("GET", r"/<%= items %>/(\d+)/<%= scan %>", scan),
    ("GET", "/<%= report %>", report),
    ("POST", "/<%= jobs %>", new_job),
    ("GET", r"/<%= jobs %>/(\d+)", job),
]


class Handler(http.server.BaseHTTPRequestHandler):
    def do(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = self.answer()
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do

    def answer(self):
        for method, pattern, handler in ROUTES:
            match = re.fullmatch(pattern, self.path.partition("?")[0])
            if match and method == self.command:
                try:
                    return handler(self, *match.groups())
                except Exception as problem:
                    self.log_error("%s", problem)
                    return 500, {"error": "see the log"}
                finally:
                    store.forget()
        return 404, {}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64


def main():
    server = Server(("", <%= port %>), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()


main()
