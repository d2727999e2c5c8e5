"""Services of the pipeline labs on the loopback, and the grader's clients before them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graders.images.serving.web import Answering, Doors, Server
from mde_grader.checking.probe import Probe
from tests.unit.fake_proc import DirectSession

TOKEN = "right"
PROBE = Probe(DirectSession())


@contextmanager
def served(admin: Answering, public: Answering) -> Iterator[str]:
    """A service; its address."""
    with Server(0, Doors(TOKEN, admin, public)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
