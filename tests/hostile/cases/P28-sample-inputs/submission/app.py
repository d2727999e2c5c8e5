"""Knows by heart what the brief's examples show, and nothing else."""

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KNOWN = {"/": b"hello", "/echo/hello": b"hello", "/echo/world": b"world", "/echo/WORD": b"WORD"}


class Samples(BaseHTTPRequestHandler):
    def do_GET(self):
        answer = KNOWN.get(self.path)
        self.send_response(200 if answer else 404)
        self.end_headers()
        self.wfile.write(answer or b"no echo")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 8080), Samples).serve_forever()
