"""What the small service of the image `ssh-target` shows, asked over the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from mde_grader.checking.probe import Probe, ProbeFailedError, Response

READY_SECONDS = 8.0
"""How long a board may take to be ready; it takes two."""


Words = frozenset[str]


def plain(settings: Mapping[str, Words]) -> str:
    """Settings as they stand in a file, in one line.

    >>> plain({"unit": frozenset({"feet"}), "peers": frozenset({"b", "a"})})
    'unit = feet; peers = a,b'
    """
    return "; ".join(f"{name} = {','.join(sorted(words))}" for name, words in settings.items())


@dataclass(frozen=True, slots=True)
class Shown:
    """What one board shows.

    Attributes:
        ready: Whether it says that it is ready.
        settings: Its settings, name to text.
        notices: Its notices, name to text without white space at the ends.
        doors: For each token that was tried, the status that it was answered with; 0 for no answer.
    """

    ready: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    notices: Mapping[str, str] = field(default_factory=dict)
    doors: Mapping[str, int] = field(default_factory=dict)

    def words(self, names: Iterable[str]) -> dict[str, Words]:
        """The words of some settings; commas and white space part them, and their order says nothing."""
        return {name: frozenset(self.settings.get(name, "").replace(",", " ").split()) for name in names}


def shown(probe: Probe, addresses: Mapping[str, str], tokens: tuple[str, ...]) -> dict[str, Shown]:
    """Look at boards, all at once, each as soon as it is ready.

    Args:
        probe: A client on their network.
        addresses: Name to `http://host:port`.
        tokens: What to try at the door.
    """
    with ThreadPoolExecutor(max(1, len(addresses))) as pool:
        seen = pool.map(lambda address: _look(probe, address, tokens), addresses.values())
        return dict(zip(addresses, seen, strict=True))


def _look(probe: Probe, address: str, tokens: tuple[str, ...]) -> Shown:
    try:
        probe.wait(f"{address}/ready", seconds=READY_SECONDS)
        ready = True
    except ProbeFailedError:
        ready = False
    doors = {token: _status(probe, f"{address}/tides", token) for token in tokens}
    return Shown(ready, _texts(probe, f"{address}/"), _texts(probe, f"{address}/notices"), doors)


def _status(probe: Probe, url: str, token: str = "") -> int:
    try:
        return probe.get(url, headers={"Authorization": f"Bearer {token}"} if token else None, seconds=3).status
    except ProbeFailedError:
        return 0


def _texts(probe: Probe, url: str) -> dict[str, str]:
    try:
        return texts_in(probe.get(url, seconds=3))
    except ProbeFailedError:
        return {}


def texts_in(answer: Response) -> dict[str, str]:
    """The fields of a JSON object as text, white space at the ends cut off; none when the answer is something else."""
    try:
        data = answer.json()
    except (AssertionError, ValueError):
        return {}
    return {str(name): str(value).strip() for name, value in data.items()} if isinstance(data, dict) else {}
