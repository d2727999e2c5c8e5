"""Writes docs/reference/checks-api.md from the docstrings of what checks are written in; `--check` only compares."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mde_grader.checking import api, context, hosts, probe, workspace
from mde_grader.checking.plugin import Fixtures
from mde_grader.runtimes import base

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference" / "checks-api.md"

HEAD = """\
# What checks are written in

Made from the docstrings by `scripts/reference.py`; a test fails when the two differ. How the words go together:
[write a lab](../how-to/write-a-lab.md).

A check is a pytest test in the lab's `checks/test_*.py`. It carries `@requirement`, its docstring is the candidate's
text, and it fails by `expect`, `fail` or a bare `assert`. `conftest.py` in the same folder may add fixtures; no other
configuration of pytest is read.

How a check ends: what it raises as a failed assertion, and what the submission is at fault for, is `failed`; any other
exception is `errored`, which costs the candidate nothing.
"""

WORDS: tuple[Callable[..., object], ...] = (api.requirement, api.expect, api.fail, api.eventually)
CLASSES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("The probe", (probe.Probe, probe.Response, probe.Headers, probe.Pending, probe.Load, probe.TcpAnswer)),
    ("The workspace", (workspace.Workspace, workspace.Ran, workspace.Running)),
    ("The stack", (base.Stack, base.Service, base.ServiceState, base.Stopped)),
    ("Images", (base.BuiltImage, base.Layer, base.LayerHit)),
    ("The submission", (context.Submission,)),
)
WIDTH = 100

UNTOLD = frozenset({"session", "close", "keep", "restore"})
"""What the grader itself needs; a check has no use for it."""

SECTION = re.compile(r"(Args|Raises|Returns|Attributes):$")
ENTRY = re.compile(r"(?P<name>[*\w]+): (?P<text>.*)")


def reference() -> str:
    """The page."""
    words = ", ".join(sorted(word.__name__ for word in WORDS))
    parts = [HEAD, "## Words\n", f"```python\nfrom mde_grader.checking import {words}\n```\n"]
    parts += [_function(word.__name__, word) for word in WORDS]
    parts += ["## Fixtures\n", *_fixtures(), _host()]
    for title, classes in CLASSES:
        parts += [f"## {title}\n", *(_class(each) for each in classes)]
    return "\n".join(parts)


def _fixtures() -> Iterator[str]:
    rows = ["| fixture | what it is | type |", "|---|---|---|"]
    for name, value in vars(Fixtures).items():
        function = getattr(value, "_get_wrapped_function", lambda: None)()
        if function is not None:
            kind = str(inspect.signature(function).return_annotation).replace("|", "\\|")
            rows.append(f"| `{name}` | {inspect.getdoc(function)} | `{kind}` |")
    yield "\n".join(rows) + "\n"


def _host() -> str:
    native = ", ".join(f"`{name}`" for name in sorted(hosts._NATIVE))  # noqa: SLF001 - its documentation
    through = ", ".join(f"`{name}`" for name in sorted(hosts._THROUGH_RUN))  # noqa: SLF001
    return f"""### host and hosts

{inspect.getdoc(hosts)}

- Read by the inspector: {native}; also `host.exists` and `host.find_command`.
- Through `host.run`: {through}. It has {hosts.RUN_SECONDS:g} s and {hosts.OUTPUT_LIMIT:,} bytes of output.

They mean what [testinfra's manual](https://testinfra.readthedocs.io/en/latest/modules.html) says.
"""


def _class(found: type) -> str:
    parts = [f"### {found.__name__}\n", _prose((inspect.getdoc(found) or "").split("\nArgs:\n")[0])]
    for name, value in vars(found).items():
        if name.startswith("_") or name in UNTOLD or name in getattr(found, "__dataclass_fields__", ()):
            continue
        if isinstance(value, property):
            parts.append(f"- `.{name}`: {inspect.getdoc(value)}\n")
        elif inspect.isfunction(value):
            parts.append(_function(f".{name}", value))
    if dataclasses.is_dataclass(found) and "Attributes:" not in (found.__doc__ or ""):
        fields = ", ".join(f"`{each.name}`" for each in dataclasses.fields(found))
        parts.insert(2, f"Fields: {fields}.\n")
    return "\n".join(parts)


def _function(name: str, function: Callable[..., object]) -> str:
    doc = _prose(inspect.getdoc(function) or "")
    return f"#### `{name}`\n\n```python\n{_signature(name.lstrip('.'), function)}\n```\n\n{doc}"


class _Bare(str):
    """An annotation as it was written, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(name: str, function: Callable[..., object]) -> str:
    found = inspect.signature(function)
    shown = [each.replace(annotation=_Bare(each.annotation)) for key, each in found.parameters.items() if key != "self"]
    line = f"{name}{found.replace(parameters=shown, return_annotation=_Bare(found.return_annotation))}"
    if len(line) <= WIDTH:
        return line
    parts = [str(each) for each in shown]
    first = next((at for at, each in enumerate(shown) if each.kind is each.KEYWORD_ONLY), None)
    if first is not None:
        parts.insert(first, "*")
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f") -> {found.return_annotation}"


def _prose(doc: str) -> str:
    """A Google-style docstring as Markdown: sections become lists, the rest stays as it is."""
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        section, entry = SECTION.match(line), ENTRY.match(line.strip()) if line.startswith("    ") else None
        if section:
            inside = True
            lines.append(f"{section[1]}:\n")
        elif inside and entry and not line.startswith("     "):
            lines.append(f"- `{entry['name']}`: {entry['text']}")
        elif inside and line.strip():
            lines.append(f"  {line.strip()}")
        else:
            inside = inside and not line.strip()
            lines.append(line)
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date."""
    text = reference()
    if "--check" in arguments:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text
        print("up to date" if same else f"{TARGET.name} is out of date: run python scripts/reference.py")
        return 0 if same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
