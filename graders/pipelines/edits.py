"""What a commit of ours changes in the application of the pipeline labs: harmless edits, and one seeded fault.

Everything is drawn from a `random.Random`, so that a pipeline meets other words, places and kinds each time; nothing of
an edit tells whether a fault comes with it. Files are a whole tree, path to content; a change is what differs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

Files = Mapping[str, bytes]
"""A tree: path to content."""

Change = Mapping[str, bytes | None]
"""What differs from a tree: path to new content, None for a file that goes."""

WORDS = (
    *("anchor", "beacon", "berth", "bridge", "buoy", "cabin", "cargo", "channel", "crane", "deck", "dock", "engine"),
    *("fender", "galley", "gull", "harbour", "hull", "jetty", "keel", "lantern", "mast", "mooring", "pilot", "pump"),
    *("quay", "radar", "ramp", "rudder", "signal", "skipper", "tide", "tug", "wake", "winch"),
)
VERBS = ("add", "check", "clean up", "explain", "mend", "move", "name", "rework", "shorten", "simplify", "update")
FIRST_NAMES = ("Ada", "Bo", "Carla", "Dirk", "Enno", "Frauke", "Gesa", "Hinrich", "Imke", "Jonte", "Klaas", "Levke")
LAST_NAMES = ("Brandt", "Clausen", "Detlefs", "Ehlers", "Friis", "Harms", "Ingwersen", "Jepsen", "Lorenzen", "Petersen")
NOTICE = "ferry/notice.py"
PLACES = ("ferry/clock.py", "ferry/fares.py", "ferry/pages.py", "ferry/version.py")
"""Modules that harmless edits add to; faults stand in the same ones."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A seeded fault.

    Attributes:
        told: What was done, in words for the candidate.
        change: The files that it changes.
        secret: What leaked, where that is the fault.
    """

    told: str
    change: Change
    secret: str = ""


def apply(files: Files, change: Change) -> dict[str, bytes]:
    """A tree after a change."""
    merged = {**files, **change}
    return {path: content for path, content in merged.items() if content is not None}


def token(chance: Random, length: int = 8) -> str:
    """Some hexadecimal digits."""
    return "".join(chance.choice("0123456789abcdef") for _ in range(length))


def words(chance: Random, count: int) -> str:
    """Some words."""
    return " ".join(chance.sample(WORDS, count))


def message(chance: Random) -> str:
    """A commit's message, which says nothing of what is in it."""
    return f"{chance.choice(VERBS).capitalize()} {words(chance, chance.randint(1, 3))}"


def author(chance: Random) -> tuple[str, str]:
    """Name and address of somebody who commits."""
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return f"{first} {last}", f"{first}.{last}@example.org".lower()


def harmless(files: Files, chance: Random, *, notice: str) -> dict[str, bytes]:
    """Edits that change nothing of what the application does but its notice.

    Args:
        files: The tree.
        chance: What is drawn from.
        notice: What passengers are told from this commit on.
    """
    change = {NOTICE: _notice(files, notice)}
    for edit in chance.sample(_EDITS, chance.randint(2, len(_EDITS))):
        change |= edit({**files, **change}, chance)
    return change


def documents(files: Files, chance: Random) -> dict[str, bytes]:
    """Edits to documents alone: one that is there, and perhaps a new one."""
    change = _remark(files, chance)
    if chance.random() < 0.5:  # noqa: PLR2004 - a coin
        change[f"docs/{chance.choice(WORDS)}-{token(chance, 4)}.md"] = f"# {words(chance, 2).capitalize()}\n".encode()
    return change


def migration(files: Files, chance: Random) -> tuple[str, str, dict[str, bytes]]:
    """A migration with the next number that brings a departure: its file's name, the harbour, and the change.

    Nothing keeps it from being run twice, but that the harbour then stands in the timetable twice.
    """
    harbour = f"{chance.choice(WORDS).capitalize()}-{token(chance, 4)}"
    name = f"{_next_number(files):04}_{chance.choice(WORDS)}.sql"
    leaves = f"{chance.randint(7, 20):02}:{chance.randint(10, 59)}"
    values = f"('{harbour}', '{leaves}', {chance.randint(20, 90)})"
    text = f"INSERT INTO departures (harbour, leaves, seats) VALUES {values};\n"  # noqa: S608 - nobody else's values
    return name, harbour, {f"migrations/{name}": text.encode()}


def _next_number(files: Files) -> int:
    return 1 + max(int(path.split("/")[1][:4]) for path in files if path.startswith("migrations/"))


def _notice(files: Files, notice: str) -> bytes:
    head, _, _ = files[NOTICE].decode().partition("NOTICE = ")
    return f'{head}NOTICE = "{notice}"\n'.encode()


def _helper(files: Files, chance: Random) -> dict[str, bytes]:
    """A function that nobody calls yet."""
    path = chance.choice(PLACES)
    name = f"{chance.choice(WORDS)}_{token(chance, 5)}"
    says = words(chance, 3).capitalize()
    text = f'\n\ndef {name}(count: int) -> int:\n    """{says}."""\n    return count * {chance.randint(2, 99)}\n'
    return {path: files[path] + text.encode()}


def _comment(files: Files, chance: Random) -> dict[str, bytes]:
    """A comment at the end of a module."""
    path = chance.choice(PLACES)
    return {path: files[path] + f"\n\n# {words(chance, 4).capitalize()}.\n".encode()}


def _passing_test(files: Files, chance: Random) -> dict[str, bytes]:
    _ = files
    count = chance.randint(1, 9)
    name = f"{chance.choice(WORDS)}_{token(chance, 4)}"
    text = (
        "from ferry.fares import ADULT, price\n\n\n"
        f"def test_{name}():\n"
        f"    assert price({count}) == {count} * ADULT\n"
    )  # fmt: skip
    return {f"tests/unit/test_{name}.py": text.encode()}


def _remark(files: Files, chance: Random) -> dict[str, bytes]:
    """One more line in a document."""
    path = chance.choice(sorted(path for path in files if path.startswith("docs/")))
    return {path: files[path] + f"\n{words(chance, 5).capitalize()}.\n".encode()}


_EDITS: Sequence[Callable[[Files, Random], dict[str, bytes]]] = (_helper, _comment, _passing_test, _remark)


def lint_fault(files: Files, chance: Random) -> Fault:
    """What only the linter complains of: no test calls it, and nothing breaks."""
    path = chance.choice(PLACES)
    told, text = chance.choice(_LINT)
    name = f"{chance.choice(WORDS)}_{token(chance, 4)}"
    added = text.replace("NAME", name).replace("WORDS", words(chance, 3).capitalize())
    return Fault(f"{told} in {path}", {path: files[path] + f"\n\n{added}".encode()})


_DOC = '    """WORDS."""\n'
_LINT: Sequence[tuple[str, str]] = (
    ("a variable that is never used", f"def NAME(count: int) -> int:\n{_DOC}    twice = count * 2\n    return count\n"),
    ("an import that is never used", f"def NAME() -> None:\n{_DOC}    import decimal\n"),
    ("a default that is shared by all calls", f"def NAME(rows: list = []) -> list:\n{_DOC}    return rows\n"),
    ("a name that there is not", f"def NAME() -> int:\n{_DOC}    return seats_of_the_day\n"),
    ("a comparison with None by ==", f"def NAME(row: object) -> bool:\n{_DOC}    return row == None\n"),
    ("an f-string without a value", f'def NAME() -> str:\n{_DOC}    return f"all aboard"\n'),
    (
        "an except for everything",
        f"def NAME(text: str) -> int:\n{_DOC}    try:\n        return int(text)\n    except:\n        return 0\n",
    ),
)


def secret_fault(files: Files, chance: Random, *, prefix: str) -> Fault:
    """A live key or a private key, in some file of any kind.

    Args:
        files: The tree.
        chance: What is drawn from.
        prefix: What live keys of the house begin with.
    """
    if chance.random() < 0.35:  # noqa: PLR2004
        secret = private_key(chance)
        path = f"{chance.choice(('certs', 'docs', 'tests/unit', 'ops'))}/{chance.choice(WORDS)}-{token(chance, 3)}.pem"
        return Fault(f"a private key in {path}", {path: secret.encode()}, secret)
    secret = f"{prefix}_live_{token(chance, 32)}"
    path, content = chance.choice(_LEAKS)(files, chance, secret)
    return Fault(f"a live key in {path}", {path: content.encode()}, secret)


def private_key(chance: Random) -> str:
    """What looks like a private key in PEM, and is none."""
    kind = chance.choice(("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    body = base64.b64encode(chance.randbytes(chance.randint(160, 600))).decode()
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


def _in_a_document(files: Files, chance: Random, secret: str) -> tuple[str, str]:
    path = chance.choice(sorted(path for path in files if path.startswith("docs/")))
    return path, f"{files[path].decode()}\nTry it with `{secret}`.\n"


def _in_a_module(files: Files, chance: Random, secret: str) -> tuple[str, str]:
    path = chance.choice(PLACES)
    return path, f'{files[path].decode()}\n\n{chance.choice(WORDS).upper()}_{token(chance, 3).upper()} = "{secret}"\n'


def _in_a_test(files: Files, chance: Random, secret: str) -> tuple[str, str]:
    _ = files
    name = f"{chance.choice(WORDS)}_{token(chance, 4)}"
    return f"tests/unit/test_{name}.py", f'KEY = "{secret}"\n\n\ndef test_{name}():\n    assert len(KEY) > 40\n'


def _in_settings(files: Files, chance: Random, secret: str) -> tuple[str, str]:
    _ = files
    path = chance.choice((".env", ".env.production", "ops/booking.ini", "ops/settings", "notes.txt"))
    return path, f"BOOKING_KEY={secret}\nBOOKING_URL=https://{chance.choice(WORDS)}.example.org\n"


_LEAKS: Sequence[Callable[[Files, Random, str], tuple[str, str]]] = (
    *(_in_a_document, _in_a_module, _in_a_test, _in_settings),
)


@dataclass(frozen=True, slots=True)
class Swap:
    """A fault made by writing one text in place of another, which stands in the file once."""

    told: str
    path: str
    old: str
    new: str

    def fault(self, files: Files) -> Fault:
        """The fault in a tree.

        Raises:
            ValueError: The file is not what the swap was made for.
        """
        text = files[self.path].decode()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} has {text.count(self.old)} times {self.old!r}, not once")
        return Fault(self.told, {self.path: text.replace(self.old, self.new).encode()})
