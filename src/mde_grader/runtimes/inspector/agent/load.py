"""Operation `load`: many requests at once, counted; so that a lost request under a restart can be seen."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .limits import Deadline, OpError
from .net import exchange

MAX_CONCURRENCY = 64
MAX_TOTAL = 100_000
MAX_VALUES = 64
_SERVER_ERROR = 500


class Tally:
    """What all clients saw, shared between their threads."""

    def __init__(self, counted: list[str]) -> None:
        self._lock = threading.Lock()
        self._counted = {name.lower() for name in counted}
        self._started = self._last_good = time.monotonic()
        self._gap = 0.0
        self._latencies: list[float] = []
        self._first_error = ""
        self._statuses: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._headers: dict[str, Counter[str]] = {name: Counter() for name in self._counted}

    def answered(self, status: int, headers: list[tuple[str, str]], seconds: float) -> None:
        """Count one answer."""
        with self._lock:
            self._statuses[str(status)] += 1
            self._latencies.append(seconds)
            if status < _SERVER_ERROR:
                self._good(time.monotonic())
            elif not self._first_error:
                self._first_error = f"status {status}"
            for name, value in headers:
                counter = self._headers.get(name.lower())
                if counter is not None and (value in counter or len(counter) < MAX_VALUES):
                    counter[value[:200]] += 1

    def failed(self, error: OpError) -> None:
        """Count one request that got no answer."""
        with self._lock:
            self._errors[error.kind] += 1
            self._first_error = self._first_error or error.message

    def _good(self, now: float) -> None:
        self._gap = max(self._gap, now - self._last_good)
        self._last_good = now

    def report(self) -> dict[str, Any]:
        """The operation's answer."""
        with self._lock:
            self._good(time.monotonic())
            ordered = sorted(self._latencies)
            return {
                "statuses": dict(self._statuses),
                "errors": dict(self._errors),
                "first_error": self._first_error,
                "longest_gap": round(self._gap, 4),
                "latencies": {
                    "p50": _quantile(ordered, 0.5),
                    "p95": _quantile(ordered, 0.95),
                    "max": _quantile(ordered, 1.0),
                },
                "headers": {name: dict(values) for name, values in self._headers.items()},
                "seconds": round(self._last_good - self._started, 4),
            }


def _quantile(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 6) if ordered else 0.0


def load(request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask `total` times, or for `duration` seconds, from `concurrency` clients with `interval` seconds between.

    `longest_gap` is the longest time without an answer below 500, start and end included.
    """
    total, duration = request.get("total"), request.get("duration")
    if (total is None) == (duration is None):
        raise OpError("bad-request", "load takes either total or duration")
    whole = Deadline(request["seconds"])
    ends = whole if duration is None else Deadline(min(float(duration), whole.seconds))
    tickets = iter(range(min(int(total), MAX_TOTAL) if total is not None else MAX_TOTAL))
    tally = Tally(list(request.get("count_headers") or []))
    clients = [
        threading.Thread(target=_client, args=(request, tickets, (ends, whole), tally), daemon=True)
        for _ in range(min(max(1, int(request.get("concurrency", 4))), MAX_CONCURRENCY))
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return tally.report()


def _client(request: Mapping[str, Any], tickets: Iterator[int], until: tuple[Deadline, Deadline], tally: Tally) -> None:
    ends, whole = until
    interval = float(request.get("interval") or 0)
    while ends.remaining() > 0 and next(tickets, None) is not None:  # range_iterator's next is atomic
        step = Deadline(min(float(request.get("request_seconds", 5)), whole.remaining()))
        try:
            answer, _ = exchange(request, step)
            tally.answered(answer.status, answer.headers, step.spent())
        except OpError as error:
            if error.kind == "bad-request":
                tally.failed(error)
                return
            tally.failed(error)
        time.sleep(min(interval, ends.remaining()))
