"""The HTML scorecard in headless Chromium: it fits a phone, prints on one page, and lets nothing in or out."""

import dataclasses
import html
import http.server
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from mde_grader.model import Status
from mde_grader.reporters.html import render
from tests.golden.cards import CARDS

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars"),
]
WIDTHS = (320, 360, 768, 1280)

# The page is framed without leave to run scripts; the frame's own script measures it from outside.
MEASURE = """<!doctype html><meta charset="utf-8"><title>-</title><body>{frames}<script>
addEventListener("load", () => {{
  const found = [...document.querySelectorAll("iframe")].map(frame => {{
    const page = frame.contentDocument;
    const wide = [...page.querySelectorAll("body *")].filter(item => {{
      if (item.closest("svg, .unseen") ) return false;
      return item.getBoundingClientRect().right > frame.clientWidth + 0.5;
    }}).map(item => item.tagName + "." + item.className);
    const styled = frame.contentWindow.getComputedStyle(page.body).backgroundColor;
    return [page.documentElement.scrollWidth, frame.clientWidth, styled, ...wide.slice(0, 3)].join("|");
  }});
  document.title = "measured " + found.join(" ; ");
}});
</script>"""


def many_failures() -> Any:
    """Eighteen requirements, every one lost with evidence."""
    card = CARDS["fail-1"]()
    lost = next(row for row in card.results if row.requirement.id == "graceful").outcomes[0]
    rows = []
    for number in range(18):
        requirement = dataclasses.replace(
            card.results[number % 14].requirement, id=f"r{number}", needs=(), hidden=False
        )
        outcome = dataclasses.replace(lost, requirement=requirement.id)
        rows.append(
            dataclasses.replace(
                card.results[0], requirement=requirement, status=Status.FAILED, points=0.0, outcomes=(outcome,)
            )
        )
    rows = [dataclasses.replace(row, points_high=0.0) for row in rows]
    return dataclasses.replace(card, results=tuple(rows), points=0.0, points_high=0.0)


def three_failures_of_eighteen() -> Any:
    """Eighteen requirements, the first three lost."""
    card = many_failures()
    kept = [
        row
        if number < 3
        else dataclasses.replace(
            row, status=Status.PASSED, outcomes=(dataclasses.replace(row.outcomes[0], status=Status.PASSED),)
        )
        for number, row in enumerate(card.results)
    ]
    return dataclasses.replace(card, results=tuple(kept))


def eight_failures_and_much_to_tell() -> Any:
    """As many fixes as paper still tells the evidence of, with many phases, facts and notes."""
    card = many_failures()
    passed = [
        dataclasses.replace(
            row, status=Status.PASSED, outcomes=(dataclasses.replace(row.outcomes[0], status=Status.PASSED),)
        )
        for row in card.results
    ]
    return dataclasses.replace(
        card,
        results=(*card.results[:8], *passed[8:]),
        phases=card.phases * 4,
        environment={
            **{f"fact {number}": "a long text " * 30 for number in range(20)},
            "notes": ["a long note " * 40] * 9,
        },
    )


STORIES = {
    **CARDS,
    "many": many_failures,
    "three": three_failures_of_eighteen,
    "eight": eight_failures_and_much_to_tell,
}


def chromium(tmp_path: Path, *arguments: str) -> str:
    """Run Chromium once with a profile of its own; what it wrote on standard output."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    def save(name: str) -> Any:
        path = tmp_path / f"{name}.html"
        path.write_text(render(STORIES[name]()), "utf-8")
        return path

    return save


@pytest.mark.parametrize("name", STORIES)
def test_it_prints_on_one_page_of_a4(name: str, saved: Any, tmp_path: Path) -> None:
    pdf = tmp_path / "page.pdf"
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", saved(name).as_uri())
    data = pdf.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", data)) == 1
    box = [float(number) for number in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", data)[0].split()]
    assert box[2:] == pytest.approx([595, 842], abs=2)


@pytest.mark.parametrize("name", ["pass-0", "fail-1", "incomplete-3", "unbuilt-1", "hostile-0", "many"])
def test_it_fits_every_width_and_its_style_is_let_in(name: str, tmp_path: Path) -> None:
    page = html.escape(render(STORIES[name]()))
    frames = "".join(
        f'<iframe width="{width}" height="900" frameborder="0" sandbox="allow-same-origin" srcdoc="{page}"></iframe>'
        for width in WIDTHS
    )
    outer = tmp_path / "outer.html"
    outer.write_text(MEASURE.format(frames=frames), "utf-8")
    dom = chromium(tmp_path, "--virtual-time-budget=5000", "--dump-dom", outer.as_uri())
    title = html.unescape(re.findall(r"<title>(.*?)</title>", dom)[0])
    assert title.startswith("measured ")
    measured = [entry.split("|") for entry in title.removeprefix("measured ").split(" ; ")]
    assert [int(entry[1]) for entry in measured] == list(WIDTHS)
    for scrolled, width, background, *wide in measured:
        assert int(scrolled) <= int(width), wide
        assert wide == []
        assert background == "rgb(244, 246, 249)"


def test_the_dark_form_is_dark(saved: Any, tmp_path: Path) -> None:
    outer = tmp_path / "outer.html"
    page = html.escape(render(CARDS["fail-1"]()))
    outer.write_text(
        MEASURE.format(frames=f'<iframe width="800" sandbox="allow-same-origin" srcdoc="{page}"></iframe>'), "utf-8"
    )
    dom = chromium(
        tmp_path, "--virtual-time-budget=5000", "--blink-settings=preferredColorScheme=0", "--dump-dom", outer.as_uri()
    )
    assert "rgb(15, 20, 27)" in dom


def test_the_browser_asks_for_nothing(tmp_path: Path) -> None:
    """Served over HTTP, the page is the only thing that is fetched, whatever a candidate wrote into it."""
    asked = []
    page = render(CARDS["hostile-0"]()).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.headers["Host"], self.path))
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        # Every name leads to our server, so that a fetch of anything, from anywhere, is seen.
        rules = f"--host-resolver-rules=MAP * 127.0.0.1:{server.server_port}"
        dom = chromium(
            tmp_path, rules, "--virtual-time-budget=3000", "--dump-dom", f"http://report.example:{server.server_port}/"
        )
    finally:
        server.shutdown()
        server.server_close()
    # The browser itself asks its maker for the time, whatever it is told, and the server for an icon.
    by_page = [(host, path) for host, path in asked if "google" not in host and path != "/favicon.ico"]
    assert by_page == [(f"report.example:{server.server_port}", "/")]
    assert "<script" not in dom


def test_the_policy_would_stop_what_slipped_through(tmp_path: Path) -> None:
    """With a script and a style let in by hand, neither has an effect."""
    text = render(CARDS["pass-0"]())
    evil = text.replace(
        "</main>", '<script>document.title="owned"</script><p style="position:fixed" id="evil">x</p></main>'
    )
    assert evil != text
    path = tmp_path / "evil.html"
    path.write_text(evil, "utf-8")
    dom = chromium(tmp_path, "--virtual-time-budget=3000", "--dump-dom", path.as_uri())
    assert "<title>owned</title>" not in dom


def test_a_picture_of_it_can_be_taken(saved: Any, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    chromium(tmp_path, "--window-size=800,1200", f"--screenshot={picture}", saved("fail-1").as_uri())
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    assert len(data) > 20_000  # an empty page of this size takes about 5 kB
