"""A lab's files as a variant has them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from mde_grader.errors import LabInvalidError
from mde_grader.templates import render, render_path, render_tree, template_text, unknown_places, walk
from mde_grader.variants import Values

VALUES: Values = {"item": "parcel", "port": 8080}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("GET /<%= item %>s on <%= port %>\n", "GET /parcels on 8080\n"),
        ("a\n<% if port == 8080 %>\nb\n<% else %>\nc\n<% endif %>\nd\n", "a\nb\nd\n"),
        ("  <% if item == 'loan' %>\n  x\n  <% endif %>\ny", "y"),
        ("main: <% if port == 1 %>A<% else %>B<% endif %>\nnext", "main: B\nnext"),
        ("a <% if port %>\nb\n <% endif %> \nc\n", "a \nb\nc\n"),
        ("a\n  <%# remark %>\n<% raw %>\n<% if %>\n<% endraw %>b\n", "a\n\n<% if %>\nb\n"),
        ("<%# not for candidates %>a", "a"),
        ("{{ x }} {% raw %} ${PORT} {# a #} %> < %", "{{ x }} {% raw %} ${PORT} {# a #} %> < %"),
        ("{{ x }} <%= item %> ${PORT}", "{{ x }} parcel ${PORT}"),
        ("<%= item | upper %> <%= port + 1 %>", "PARCEL 8081"),
        ("<b>&<%= item %>", "<b>&parcel"),
        ("<% raw %><%= item %><% endraw %>", "<%= item %>"),
    ],
)
def test_values_and_blocks(text: str, made: str) -> None:
    assert render(text, VALUES, file="x") == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\nb <%= nothing %>\n", "brief.md:2: “nothing” is no parameter of this lab"),
        ("a\n<% if port > 1 %>\n<% endif %>\n<% if port < 1 %>\n<%= nothing %>\n<% endif %>", "brief.md:5: “nothing”"),
        ("\n<% if port %>\n<% endif %>\n\n<%= nothing %>", "brief.md:5: “nothing”"),
        ("<% if port %>", "brief.md:1: "),
        ("<%= item", "brief.md:1: "),
        ("\n<%= item | nofilter %>", "brief.md:2: No filter named 'nofilter'"),
        ("<%= item + 1 %>", "brief.md: "),
        ("<%= port // 0 %>", "brief.md: "),
        ("<%= item.nothing.more %>", "brief.md: "),
        ("<%= item.__class__.__mro__ %>", "brief.md: access to attribute '__class__'"),
    ],
)
def test_what_cannot_be_rendered_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(LabInvalidError) as caught:
        render(text, VALUES, file="brief.md")
    assert caught.value.message.startswith(told)


def test_an_unknown_name_comes_with_those_that_there_are() -> None:
    with pytest.raises(LabInvalidError) as caught:
        render("<%= x %>", VALUES, file="x")
    assert caught.value.hint == "there are: item, port"


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("__item__desk/__init__.py", "parceldesk/__init__.py"),
        ("a/__item__s.__port__", "a/parcels.8080"),
        ("__main__.py", "__main__.py"),
        ("__item/item__", "__item/item__"),
    ],
)
def test_names_of_files(path: str, made: str) -> None:
    assert render_path(PurePosixPath(path), VALUES) == PurePosixPath(made)


def test_names_of_files_that_stand_for_nothing_are_found() -> None:
    assert unknown_places(PurePosixPath("__itm__/__init__.py"), VALUES) == ["itm"]
    assert unknown_places(PurePosixPath("__item__/__pycache__/__main__.py"), VALUES) == []


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    (place / "__item__desk" / "empty").mkdir(parents=True)
    (place / "__item__desk" / "web.py").write_text("PORT = <%= port %>\n")
    (place / "__item__desk" / "web.py").chmod(0o755)
    (place / "plain.txt").write_bytes(b"as it is\r\n")
    (place / "picture.png").write_bytes(b"\xff\xfe<%= port %>")
    (place / "link").symlink_to("nowhere")
    return place


def test_a_folder_is_copied_with_modes_links_and_what_is_no_template(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    render_tree(source, target, VALUES)
    assert (target / "parceldesk" / "web.py").read_text() == "PORT = 8080\n"
    assert (target / "parceldesk" / "web.py").stat().st_mode & 0o777 == 0o755
    assert (target / "parceldesk" / "empty").is_dir()
    assert (target / "plain.txt").read_bytes() == b"as it is\r\n"
    assert (target / "picture.png").read_bytes() == b"\xff\xfe<%= port %>"
    assert (target / "link").readlink() == Path("nowhere")


def test_a_second_folder_goes_over_the_first(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    render_tree(source, target, VALUES)
    (target / "other").write_text("stays")
    (source / "plain.txt").write_text("new")
    render_tree(source, target, VALUES)
    assert (target / "plain.txt").read_text() == "new"
    assert (target / "other").read_text() == "stays"


def test_an_error_in_a_folder_names_the_file(source: Path, tmp_path: Path) -> None:
    (source / "bad.py").write_text("<%= nothing %>")
    with pytest.raises(LabInvalidError, match=r"source/bad\.py:1: “nothing”"):
        render_tree(source, tmp_path / "target", VALUES)


def test_what_is_walked_and_what_is_a_template(source: Path) -> None:
    assert [path.name for path in walk(source)] == [
        *("__item__desk", "empty", "web.py", "link", "picture.png", "plain.txt"),
    ]
    assert template_text(source / "plain.txt") is None
    assert template_text(source / "picture.png") is None
    assert template_text(source / "__item__desk" / "web.py") == "PORT = <%= port %>\n"
