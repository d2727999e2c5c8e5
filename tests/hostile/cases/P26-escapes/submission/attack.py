"""Answers and prints what a terminal would obey."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HARM = "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07 \x1b[2J\x1b[1;1H\x1b]0;owned\x07\x1b[31mPASSED 100/100\x1b[0m\x9b31m\x90q\x9c\u202edetrevni\u202c\x00\x08\x7f\r100 points\ufffe"


class Harm(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(HARM.encode("utf-8", "surrogatepass") + b"\xff\xfe\xed\xa0\x80")


print(HARM * 50, flush=True)
ThreadingHTTPServer(("0.0.0.0", 8080), Harm).serve_forever()
