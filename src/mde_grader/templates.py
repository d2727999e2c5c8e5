"""A lab's files as one variant of it has them: `<%= name %>` for a value, `<% if ... %>` lines for what is left out.

Jinja2 in its sandbox, with other signs than its own, because `{{`, `${` and `{%` stand in what labs are made of. A line
that holds nothing but a `<% ... %>` leaves no trace. A file without such a sign, or that is not UTF-8, is copied byte
for byte. In the name of a file or folder `__name__` stands for a value.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mde_grader.errors import LabInvalidError
from mde_grader.variants import Values

_SIGN = b"<%"
_PLACE = re.compile(r"__([a-z][a-z0-9_]*?)__")

_LONE = re.compile(
    r"(?P<raw><%\s*raw\s*%>(?:.|\n)*?<%\s*endraw\s*%>)|^[ \t]*<%(?!=)(?P<inside>(?:(?!%>).)*)%>[ \t]*\r?\n",
    re.MULTILINE,
)
"""A raw part, or a line that is one block or remark and nothing else. Such a line's end goes inside its sign, so that
lines keep their numbers; Jinja's own `trim_blocks` would take the end of any line that ends with a block."""

_PYTHONS = frozenset({"init", "main", "pycache", "about", "version"})
"""What stands between `__` in the names of Python's own files and folders."""

_ENGINE = ImmutableSandboxedEnvironment(
    block_start_string="<%",
    block_end_string="%>",
    variable_start_string="<%=",
    variable_end_string="%>",
    comment_start_string="<%#",
    comment_end_string="%>",
    keep_trailing_newline=True,
    undefined=StrictUndefined,
    extensions=(),
)


class Template:
    """One text, read once and rendered as often as is wanted.

    Args:
        text: The text.
        names: Names of the values that there are.
        file: Its name, for errors.

    Raises:
        LabInvalidError: It is no template, or names a value that there is not; the message has file and line.
    """

    def __init__(self, text: str, names: Iterable[str], *, file: str) -> None:
        self._file = file
        try:
            tree = _ENGINE.parse(_LONE.sub(lambda m: m[0] if m["raw"] else f"<%{m['inside']}\n%>", text))
            _insist_on_known(tree, sorted(names), file)
            self._template = _ENGINE.from_string(tree)
        except TemplateSyntaxError as error:
            raise LabInvalidError(f"{file}:{error.lineno}: {error.message}") from None

    def render(self, values: Values) -> str:
        """The text for one variant.

        Raises:
            LabInvalidError: What it does with a value cannot be done.
        """
        try:
            return self._template.render(values)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise LabInvalidError(f"{self._file}: {error}") from None


def _insist_on_known(tree: nodes.Template, known: list[str], file: str) -> None:
    unknown = meta.find_undeclared_variables(tree) - set(known)
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            hint = f"there are: {', '.join(known) or 'none'}"
            raise LabInvalidError(f"{file}:{node.lineno}: “{node.name}” is no parameter of this lab", hint=hint)


def render(text: str, values: Values, *, file: str) -> str:
    """The text for one variant.

    Raises:
        LabInvalidError: See `Template`.
    """
    return Template(text, values, file=file).render(values) if _SIGN.decode() in text else text


def render_path(path: PurePath, values: Values) -> PurePath:
    """The path with each `__name__` of a value replaced; others, such as `__init__`, stay."""
    return type(path)(*(_PLACE.sub(lambda m: str(values.get(m[1], m[0])), part) for part in path.parts))


def unknown_places(path: PurePath, values: Values) -> list[str]:
    """Names between `__` in a path that no value has, Python's own left out."""
    names = [name for part in path.parts for name in _PLACE.findall(part)]
    return [name for name in names if name not in values and name not in _PYTHONS]


def render_tree(source: Path, target: Path, values: Values) -> None:
    """Copy a folder for one variant, over what is there; modes and links stay.

    Raises:
        LabInvalidError: See `Template`.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in walk(source):
        place = target / render_path(path.relative_to(source), values)
        if path.is_symlink():
            place.unlink(missing_ok=True)
            place.symlink_to(path.readlink())
        elif path.is_dir():
            place.mkdir(exist_ok=True)
        else:
            shutil.copy2(path, place)
            text = template_text(path)
            if text is not None:
                place.write_text(render(text, values, file=str(path)), encoding="utf-8", newline="")


def walk(folder: Path) -> Iterator[Path]:
    """All that is in a folder, in a stable order, each folder before what is in it; links are not followed."""
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from walk(path)


def template_text(path: Path) -> str | None:
    """The text of a file that is to be rendered; None for one that is copied as it is."""
    content = path.read_bytes()
    if _SIGN not in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
