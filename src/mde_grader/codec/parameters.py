"""`parameters` of a `lab.yaml`: what differs from candidate to candidate, with the line of whatever is wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from mde_grader.codec.nodes import Node, kind
from mde_grader.model import Parameter

_NAME = r"[a-z][a-z0-9_]{0,31}"
_WORD = r"[a-z]{3,32}"
_SECRET = r"[!-~]{8,128}"  # noqa: S105 - a pattern
_RESERVED = frozenset(
    {"and", "block", "else", "false", "for", "if", "in", "is", "loop", "none", "not", "or", "self", "super", "true"}
)
"""Names that mean something else in a template."""

_LARGEST = 2**53
"""Whole numbers beyond it change on their way through JSON readers that know doubles only."""

_SECRET_LENGTHS = (8, 128)
_FEWEST = 2


def parameters_from(node: Node) -> dict[str, Parameter]:
    """Read a lab's parameters.

    Args:
        node: The mapping of names to generators.

    Raises:
        LabInvalidError: Names file, line and key of the first thing that is wrong.
    """
    found: dict[str, Parameter] = {}
    taken: dict[str, str] = {}
    for name, child in node.items():
        _name(child, name)
        found[name] = _parameter(child)
        brought = next(iter(found[name].brings.values()), {})
        for each in (name, *brought):
            if each in taken:
                child.fail(f"gives `{each}`, which `{taken[each]}` gives already")
            taken[each] = name
    return found


def _name(node: Node, name: str) -> None:
    node.child_value(name).text(pattern=_NAME)
    if name in _RESERVED:
        node.fail("is a word of the templates; take another name")


def _parameter(node: Node) -> Parameter:
    parts = node.fields((*_READERS, "prefix", "practice"))
    kinds = [name for name in _READERS if name in parts]
    if len(kinds) != 1:
        node.fail("must be one of `choice: [...]`, `subnet: ...`, `integer: [low, high]`, `word: true`, `secret: 24`")
    if "prefix" in parts and kinds != ["subnet"]:
        parts["prefix"].fail("goes with `subnet` only")
    return _READERS[kinds[0]](node, parts)


def _choice(_: Node, parts: Mapping[str, Node]) -> Parameter:
    node = parts["choice"]
    brings: dict[str | int, dict[str, str | int]] = {}
    if isinstance(node.data, Mapping):
        brings = {name: _brought(child) for name, child in node.items()}
        _same_names(node, brings)
        choices: tuple[str | int, ...] = tuple(brings)
    else:
        choices = tuple(_value(child) for child in node.entries())
    if len(choices) < _FEWEST:
        node.fail("must offer two or more")
    twice = next((value for value in choices if choices.count(value) > 1), None)
    if twice is not None:
        node.fail(f"offers {twice!r} twice")
    practice = _value(parts["practice"]) if "practice" in parts else None
    if practice is not None and practice not in choices:
        parts["practice"].fail(f"is {practice!r}, which is none of the choices")
    return Parameter("choice", choices=choices, brings=brings, practice=practice)


def _brought(node: Node) -> dict[str, str | int]:
    values = {}
    for name, child in node.items():
        _name(child, name)
        values[name] = _value(child)
    return values


def _same_names(node: Node, brings: Mapping[str | int, Mapping[str, str | int]]) -> None:
    everything = [name for brought in brings.values() for name in brought]
    for pick, brought in brings.items():
        missing = next((name for name in everything if name not in brought), None)
        if missing is not None:
            node.child(pick, None).fail(f"lacks `{missing}`, which another choice brings")


def _value(node: Node) -> str | int:
    if isinstance(node.data, int) and not isinstance(node.data, bool):
        return node.integer(-_LARGEST, _LARGEST)
    if not isinstance(node.data, str):
        node.fail(f"must be text or a whole number, not {kind(node.data)}")
    return node.text(empty=True)


def _subnet(node: Node, parts: Mapping[str, Node]) -> Parameter:
    network = _network(parts["subnet"])
    if "prefix" not in parts:
        node.fail("lacks `prefix`")
    prefix = parts["prefix"].integer(network.prefixlen, network.max_prefixlen)
    practice = None
    if "practice" in parts:
        chosen = _network(parts["practice"])
        practice = str(chosen)
        if chosen.version != network.version or chosen.prefixlen != prefix:
            parts["practice"].fail(f"is {practice!r}, which is no /{prefix} like the others")
    return Parameter("subnet", network=str(network), prefix=prefix, practice=practice)


def _network(node: Node) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(node.text())
    except ValueError as error:
        node.fail(f"is no network: {error}")


def _integer(_: Node, parts: Mapping[str, Node]) -> Parameter:
    node = parts["integer"]
    bounds = [child.integer(-_LARGEST, _LARGEST) for child in node.entries()]
    if len(bounds) != 2 or bounds[0] >= bounds[1]:  # noqa: PLR2004 - a pair
        node.fail("must be [low, high], the lower one first")
    practice = parts["practice"].integer(-_LARGEST, _LARGEST) if "practice" in parts else None
    return Parameter("integer", low=bounds[0], high=bounds[1], practice=practice)


def _word(_: Node, parts: Mapping[str, Node]) -> Parameter:
    if not parts["word"].flag():
        parts["word"].fail("must be true")
    return Parameter("word", practice=parts["practice"].text(pattern=_WORD) if "practice" in parts else None)


def _secret(_: Node, parts: Mapping[str, Node]) -> Parameter:
    length = parts["secret"].integer(*_SECRET_LENGTHS)
    practice = parts["practice"].text(pattern=_SECRET) if "practice" in parts else None
    return Parameter("secret", length=length, practice=practice)


_READERS: dict[str, Callable[[Node, Mapping[str, Any]], Parameter]] = {
    "choice": _choice,
    "subnet": _subnet,
    "integer": _integer,
    "word": _word,
    "secret": _secret,
}
