"""Echoes a word."""

import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    def do_GET(self):
        word = self.path.removeprefix("/echo/") if self.path.startswith("/echo/") else "hello"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(word.encode())


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 8080), Echo).serve_forever()
