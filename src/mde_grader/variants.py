"""Candidate and lab to the values of the lab's parameters: always the same for the same, and pure.

Every value comes from HMAC-SHA256 under a key made of the lab's id, its version and the candidate's name, itself made
with the course's salt. So nobody without the salt can work out another's variant, a parameter that is added moves no
other, and no library's idea of a random number takes part.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mde_grader.model import Lab, Parameter, VariantIdentity

Values = Mapping[str, str | int]

_ID_DIGITS = 8
_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"
_SYLLABLES = 3
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Variant:
    """The parameters that one candidate's lab was given.

    Attributes:
        identity: What the scorecard tells of it.
        values: The parameters, and what their choices bring along, by name.
        secrets: Names of the values that are masked in what we write about a submission.
    """

    identity: VariantIdentity = field(hash=False)
    values: Values = field(hash=False)
    secrets: tuple[str, ...] = ()

    def masked(self, text: str) -> str:
        """The text with each secret value replaced by its name."""
        for name in self.secrets:
            text = text.replace(str(self.values[name]), f"<{name}>")
        return text


def variant_of(lab: Lab, candidate: str | None = None, *, salt: str = "") -> Variant | None:
    """The variant of a lab that a candidate gets; None for a lab without parameters.

    Args:
        lab: The lab; its id, version and parameters decide.
        candidate: Name as submissions carry it; None for the practice variant, on which no salt has an influence.
        salt: The course's secret.
    """
    if not lab.parameters:
        return None
    practice = candidate is None
    seed = seed_of(lab, candidate, salt=salt)
    drawn = {name: _value(name, each, seed, practice=practice) for name, each in lab.parameters.items()}
    secrets = tuple(name for name, parameter in lab.parameters.items() if parameter.kind == "secret")
    shown = {name: f"<{name}>" if name in secrets else value for name, value in drawn.items()}
    identity = VariantIdentity(_stream(seed, "").hex()[:_ID_DIGITS], practice, shown)
    return Variant(identity, _with_brought(lab.parameters, drawn), secrets)


def seed_of(lab: Lab, candidate: str | None, *, salt: str = "") -> bytes:
    """Key from which all values of a variant come."""
    kind, name = ("practice", "") if candidate is None else ("candidate", candidate)
    key = b"" if candidate is None else salt.encode()
    return hmac.digest(key, "\0".join((lab.id, str(lab.version), kind, name)).encode(), hashlib.sha256)


def _value(name: str, parameter: Parameter, seed: bytes, *, practice: bool) -> str | int:
    """What is drawn; for practice what the lab names, and of choices the first."""
    if practice and parameter.practice is not None:
        return parameter.practice
    if practice and parameter.choices:
        return parameter.choices[0]
    return _GENERATORS[parameter.kind](parameter, _Numbers(seed, name))


def _with_brought(parameters: Mapping[str, Parameter], drawn: Values) -> dict[str, str | int]:
    values = dict(drawn)
    for name, parameter in parameters.items():
        values.update(parameter.brings.get(drawn[name], {}))
    return values


class _Numbers:
    """Numbers for one parameter, one after the other."""

    def __init__(self, seed: bytes, name: str) -> None:
        self._seed, self._name, self._count = seed, name, 0

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; of 256 bits, so that the last ones are as likely as the first.

        Numbers are taken modulo `limit`: up to 2**128 of them the difference is below 2**-128.
        """
        self._count += 1
        return int.from_bytes(_stream(self._seed, f"{self._name}\0{self._count}")) % limit

    def letter(self, letters: str) -> str:
        """One of the letters."""
        return letters[self.below(len(letters))]


def _stream(seed: bytes, name: str) -> bytes:
    return hmac.digest(seed, name.encode(), hashlib.sha256)


def _choice(parameter: Parameter, numbers: _Numbers) -> str | int:
    return parameter.choices[numbers.below(len(parameter.choices))]


def _subnet(parameter: Parameter, numbers: _Numbers) -> str:
    network = ipaddress.ip_network(parameter.network)
    number = numbers.below(2 ** (parameter.prefix - network.prefixlen))
    start = int(network.network_address) + (number << (network.max_prefixlen - parameter.prefix))
    return f"{type(network.network_address)(start)}/{parameter.prefix}"


def _integer(parameter: Parameter, numbers: _Numbers) -> int:
    return parameter.low + numbers.below(parameter.high - parameter.low + 1)


def _word(_: Parameter, numbers: _Numbers) -> str:
    return "".join(numbers.letter(_CONSONANTS) + numbers.letter(_VOWELS) for _ in range(_SYLLABLES))


def _secret(parameter: Parameter, numbers: _Numbers) -> str:
    return "".join(numbers.letter(_LETTERS) for _ in range(parameter.length))


_GENERATORS: dict[str, Callable[[Parameter, _Numbers], str | int]] = {
    "choice": _choice,
    "subnet": _subnet,
    "integer": _integer,
    "word": _word,
    "secret": _secret,
}
