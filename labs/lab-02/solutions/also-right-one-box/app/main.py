"""Runs the desk, with the printer beside it as a child that is started again when it dies."""

import multiprocessing
import os
import signal
import threading
import time

import waitress
from <%= items %> import printer, web


class Counted:
    """A WSGI application that knows how many requests are under way."""

    def __init__(self, app):
        self.app, self.lock, self.open = app, threading.Lock(), 0

    def __call__(self, environ, start_response):
        with self.lock:
            self.open += 1
        try:
            return list(self.app(environ, start_response))
        finally:
            with self.lock:
                self.open -= 1


def drain(counted):
    """End the process when the last request was answered, or after four seconds."""
    deadline = time.monotonic() + 4
    while counted.open and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    os._exit(0)


def keep_printing():
    while True:
        child = multiprocessing.get_context("spawn").Process(target=printer.main, daemon=True)
        child.start()
        child.join()
        time.sleep(1)


if __name__ == "__main__":
    threading.Thread(target=keep_printing, daemon=True).start()
    counted = Counted(web.create(os.environ["<%= site %>"]))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: threading.Thread(target=drain, args=(counted,)).start())
    waitress.serve(counted, listen="*:<%= port %>", threads=6)
