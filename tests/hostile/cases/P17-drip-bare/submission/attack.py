"""One byte a second, for ever."""

import socketserver
import time


class Drip(socketserver.BaseRequestHandler):
    def handle(self):
        for letter in b"HTTP/1.1 200 OK" + b" " * 100000:
            self.request.sendall(bytes([letter]))
            time.sleep(1)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("0.0.0.0", 8080), Drip).serve_forever()
