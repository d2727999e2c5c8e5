"""Answers with a gigabyte, in whatever form was asked for."""

import gzip
import socketserver

BLOCK = b"a" * 65536
BOMB = gzip.compress(b"0" * (50 << 20))


class Flood(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        try:
            if b"/echo/1" in line or b"/echo/2" in line:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X-Flood: " + b"a" * 900 + b"\r\n")
                while True:
                    self.wfile.write(b"X-Flood: " + BLOCK + b"\r\n")
            if b"/echo/3" in line or b"/echo/4" in line:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BOMB)
                return
            if b"/echo/5" in line or b"/echo/6" in line:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    self.wfile.write(b"10000\r\n" + BLOCK + b"\r\n")
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
            while True:
                self.wfile.write(BLOCK)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("0.0.0.0", 8080), Flood).serve_forever()
