import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from mde_grader.reporters import base, html
from tests.golden.cards import CARDS

# Foreground and background pairs that the style sheet uses for text (4.5:1) and for bars, rings and marks (3:1).
TEXT_PAIRS = [
    *[(ink, ground) for ink in ("ink", "soft", "link") for ground in ("paper", "card", "code")],
    *[(name, f"{name}-wash") for name in ("pass", "fail", "warn", "skip")],
    *[(name, "card") for name in ("pass", "fail", "warn", "skip")],
]
SHAPE_PAIRS = [(f"{name}-fill", ground) for name in ("pass", "fail", "warn", "skip") for ground in ("track", "card")]
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Tags, attributes and nesting of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, Any]] = []
        self.open: list[str] = []
        self.ids: list[Any] = []
        self.links: list[Any] = []
        self.headings: list[int] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, flags=re.DOTALL)
    assert match is not None
    return match.group(1)


def themes() -> Any:
    css = html._stylesheet()
    blocks = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)
    assert len(blocks) == 3
    values = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in blocks]
    return {"light": values[0], "dark": values[0] | values[1], "print": values[0] | values[2]}


def luminance(color: str) -> Any:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> Any:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_in_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_has_the_contrast_of_wcag_aa(theme: str) -> None:
    colors = themes()[theme]
    low = [(one, other) for one, other in TEXT_PAIRS if contrast(colors[one], colors[other]) < 4.5]
    assert low == []


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_bars_have_the_contrast_of_wcag_aa(theme: str) -> None:
    colors = themes()[theme]
    low = [(one, other) for one, other in SHAPE_PAIRS if contrast(colors[one], colors[other]) < 3.0]
    assert low == []


def test_every_colour_of_the_style_sheet_is_a_variable() -> None:
    css = re.sub(r":root \{.*?\}", "", html._stylesheet(), flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", css) == []
    assert set(re.findall(r"var\(--([a-z-]+)\)", css)) == set(themes()["light"])


@pytest.mark.parametrize("name", CARDS)
def test_nothing_is_fetched_and_nothing_runs(name: str) -> None:
    text = html.render(CARDS[name]())
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base", "video", "audio"} & set(page.tags)
    for tag, attribute, value in page.attributes:
        assert not attribute.startswith("on"), (tag, attribute)
        assert attribute not in {"src", "srcset", "style", "action", "xlink:href", "ping"}, (tag, attribute)
        if attribute == "href":
            assert value.startswith("#")
    style = found(r"<style>(.*?)</style>", text)
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("name", CARDS)
def test_the_policy_lets_in_this_style_sheet_and_nothing_else(name: str) -> None:
    text = html.render(CARDS[name]())
    policy = found(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text).replace("&#39;", "'")
    style = found(r"<style>(.*?)</style>", text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert text.index("Content-Security-Policy") < text.index("<style>")


@pytest.mark.parametrize("name", CARDS)
def test_the_page_is_well_formed_and_can_be_found_one_s_way_in(name: str) -> None:
    text = html.render(CARDS[name]())
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert [link for link in page.links if link[1:] not in page.ids] == []
    labels = [value for _, attribute, value in page.attributes if attribute == "aria-labelledby"]
    assert set(labels) <= set(page.ids)
    assert page.tags.count("h1") == page.tags.count("main") == page.tags.count("title") == 1
    assert ("html", "lang", "en") in page.attributes
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_text_of_others_is_text() -> None:
    text = html.render(CARDS["hostile-0"]())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7*7 }}" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_what_a_candidate_needs_is_there() -> None:
    text = html.render(CARDS["fail-1"]())
    for part in ("63", "Not passed", "Best to fix first", "+13 points", "Expected", "Seen", "See it yourself", "Hint:"):
        assert part in text
    assert "docker compose stop web &amp;&amp; docker compose ps -a web" in text
    assert text.index('id="fix-data"') < text.index('id="fix-no-secrets"') < text.index('id="fix-graceful"')
    assert "waits for: Data survives when a container is replaced" in text
    assert base.PRACTICE.split(";")[0] in text


def test_a_range_is_shown_as_one() -> None:
    text = html.render(CARDS["incomplete-3"]())
    assert "78\u201387" in text
    assert 'class="open"' in text
    assert "Not checked, through no fault of yours" in text


def test_a_fault_is_told_before_the_requirements() -> None:
    text = html.render(CARDS["refused-1"]())
    assert text.index("What stopped it") < text.index("compose.yaml:12") < text.index('id="requirements"')
    assert "Best to fix first" not in text
    assert "What went wrong on our side" in html.render(CARDS["fault-3"]())


def test_bars_and_times_stay_within_their_frame() -> None:
    card = CARDS["pass-0"]()
    odd = [dataclasses.replace(phase, started=-5.0, seconds=1e6) for phase in card.phases]
    text = html.render(dataclasses.replace(card, phases=tuple(odd), seconds=0.0))
    for width, start in (
        (float(w), float(x or 0)) for x, w in re.findall(r'<rect class="had"(?: x="([\d.]+)")? width="([\d.]+)"', text)
    ):
        assert 0 <= start <= 100
        assert 0 <= width <= 100
    empty = dataclasses.replace(card, phases=(), seconds=0.0, results=())
    assert "Nothing was graded" in html.render(empty)
    instant = dataclasses.replace(
        card, phases=(dataclasses.replace(card.phases[0], started=0.0, seconds=0.0),), seconds=0.0
    )
    assert 'width="0.6"' in html.render(instant)


def test_paper_shows_less_of_many_fixes() -> None:
    assert html._room(14, 0) == html._room(14, 2) == ""
    assert html._room(14, 4) == "long"
    assert html._room(18, 9) == "long longest"
    assert '<body class="long">' in html.render(CARDS["fail-1"]())
