"""An engine that keeps images in a dictionary, as far as the images code asks for it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docker.errors import APIError, ImageNotFound


class FakeEngine:
    """Stands in for `docker.DockerClient` and its `api` at once."""

    def __init__(self, *, registry: Mapping[str, str] | None = None, architecture: str = "x86_64") -> None:
        self.registry = registry or {}
        self.architecture = architecture
        self.rows: list[dict[str, Any]] = []
        self.contexts: dict[str, dict[str, bytes]] = {}
        self.arguments: dict[str, Mapping[str, str]] = {}
        self.pulls: list[str] = []
        self.log: list[dict[str, str]] = []
        self.broken = ""
        self.loaded = b""
        self.api = self
        self.base_url = "http+docker://fake"
        self.api_version = "1.41"

    # what `client` has

    def info(self) -> dict[str, Any]:
        return {"Architecture": self.architecture}

    # what `client.api` has

    def list_rows(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        if self.broken == "list":
            raise APIError("engine fell over\nsecond line")
        assert filters == {"reference": "mde-grade/*"}
        return [row for row in self.rows if row["RepoTags"]]

    def inspect_image(self, reference: str) -> dict[str, Any]:
        if self.broken == "list":
            raise APIError("engine fell over\nsecond line")
        row = next((row for row in reversed(self.rows) if reference in (row["RepoTags"] or ())), None)
        if row is None:
            raise ImageNotFound("no such image")
        made = datetime.fromtimestamp(row["Created"], UTC).isoformat().replace("+00:00", ".123456789Z")
        return {"Id": row["Id"], "Size": row["Size"], "Config": {"Labels": row["Labels"]}, "Created": made}

    def build(
        self, *, fileobj: io.BytesIO, tag: str, labels: dict[str, str], **options: Any
    ) -> Iterator[dict[str, str]]:
        self.arguments[tag] = options["buildargs"]
        with tarfile.open(fileobj=fileobj) as archive:
            self.contexts[tag] = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
        yield from self.log
        if self.broken and self.broken in tag:
            yield {"error": "The command '/bin/sh -c apt-get update' returned a non-zero code: 100"}
            return
        self.add(tag, labels)

    def add(self, tag: str, labels: Mapping[str, str], created: int = 0) -> None:
        self.rows.append(
            {
                "RepoTags": [tag],
                "Labels": dict(labels),
                "Id": f"sha256:{len(self.rows):064x}",
                "Size": 1000,
                "Created": created or len(self.rows),
            }
        )

    def tag(self, source: str, repository: str, tag: str) -> None:
        self._row(source)["RepoTags"].append(f"{repository}:{tag}")

    def pull(self, name: str, tag: str, **_: Any) -> Iterator[dict[str, str]]:
        reference = f"{name}:{tag}"
        self.pulls.append(reference)
        if reference not in self.registry:
            raise APIError("no such host")
        yield {"status": "pulled"}
        self.add(reference, {})

    def import_image_from_file(self, path: str, repository: str, tag: str, changes: list[str]) -> None:
        assert Path(path).is_file()
        labels = dict(c.removeprefix("LABEL ").split("=", 1) for c in changes if c.startswith("LABEL "))
        self.add(f"{repository}:{tag}", {name: value.strip('"') for name, value in labels.items()})

    # inside

    def _row(self, reference: str) -> dict[str, Any]:
        return next(row for row in self.rows if reference in row["RepoTags"])

    def _get(self, reference: str) -> SimpleNamespace:
        row = self._row(reference)
        name = reference.partition(":")[0]
        digests = [f"{name}@{self.registry[reference]}"] if reference in self.registry else []
        return SimpleNamespace(attrs={"Config": {"Labels": row["Labels"]}, "RepoDigests": digests})

    def _load(self, source: Any) -> None:
        self.loaded = source.read()


class _Images:
    """`client.images` is an object with methods, and `client.api.images` a method: this is both."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    def __call__(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        return self.engine.list_rows(filters)

    def get(self, reference: str) -> SimpleNamespace:
        return self.engine._get(reference)

    def load(self, source: Any) -> None:
        self.engine._load(source)


def fake_client(**options: Any) -> Any:
    """A client for the code under test; `Any`, because it is only as much of a client as that code needs."""
    engine = FakeEngine(**options)
    engine.images = _Images(engine)  # type: ignore[attr-defined]
    return engine
