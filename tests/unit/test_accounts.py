"""What the engine would open before it starts a container is looked at without opening it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mde_grader.errors import StartFailedError
from mde_grader.runtimes.docker.accounts import insist_on_plain_accounts
from mde_grader.runtimes.docker.client import NOT_FOUND, Engine, RefusalError

FILE, LINK, PIPE, DEVICE, FOLDER = 0o644, 1 << 27 | 0o777, 1 << 25 | 0o644, 1 << 26 | 1 << 21, 1 << 31 | 0o755


class Root:
    """An engine that knows the modes of some paths."""

    def __init__(self, **places: tuple[int, str]) -> None:
        self.places = {f"/{name.replace('_', '/')}": told for name, told in places.items()}

    @contextmanager
    def answer(self, method: str, path: str, *, params: Mapping[str, Any]) -> Iterator[SimpleNamespace]:
        assert (method, path) == ("HEAD", "/containers/abc/archive")
        if params["path"] not in self.places:
            raise RefusalError(NOT_FOUND, "no such file")
        mode, target = self.places[params["path"]]
        told = base64.b64encode(json.dumps({"mode": mode, "linkTarget": target}).encode()).decode()
        yield SimpleNamespace(headers={"X-Docker-Container-Path-Stat": told})


def look(root: Root) -> None:
    insist_on_plain_accounts(cast("Engine", root), "abc", "web")


@pytest.mark.parametrize(
    "root",
    [
        Root(etc_passwd=(FILE, ""), etc_group=(FILE, "")),
        Root(),
        Root(etc_passwd=(LINK, "/other"), other=(FILE, "")),
        Root(etc_passwd=(LINK, "/nothing")),
        Root(etc_passwd=(FOLDER, "")),
    ],
    ids=["files", "none, as in an image from scratch", "link", "dangling", "folder, which the engine refuses"],
)
def test_what_cannot_hang_the_engine_is_left_to_it(root: Root) -> None:
    look(root)


@pytest.mark.parametrize(
    ("root", "named"),
    [
        (Root(etc_passwd=(PIPE, "")), "/etc/passwd"),
        (Root(etc_passwd=(FILE, ""), etc_group=(PIPE, "")), "/etc/group"),
        (Root(etc_group=(LINK, "/p"), p=(PIPE, "")), "/etc/group"),
        (Root(etc_passwd=(DEVICE, "")), "/etc/passwd"),
    ],
    ids=["pipe", "group", "behind a link", "device"],
)
def test_what_would_hang_it_is_the_candidates_fault(root: Root, named: str) -> None:
    with pytest.raises(StartFailedError, match=named) as failed:
        look(root)
    assert failed.value.rule == "start.accounts"
    assert failed.value.hint
