"""Looks for secrets in every layer of an image, those that a later layer hides included.

The engine writes the image out as a tar of tars (`GET /images/ID/get`), which is read as it comes and never kept: a
`layer.tar` (or a blob that is one) at a time, with a cap on the bytes in all.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import IO, Protocol, cast

from mde_grader.errors import EngineError
from mde_grader.runtimes.base import LayerHit

MAX_BYTES = 2 << 30
"""Bytes of an image that are looked through; larger ones pass their lab's size limits long before."""

_CHUNK = 1 << 20


class _Client(Protocol):
    def get_image(self, image: str, chunk_size: int = ...) -> Iterable[bytes]: ...


def search_layers(client: _Client, image: str, needles: Mapping[str, bytes], *, seconds: float) -> tuple[LayerHit, ...]:
    """Find byte strings in the files of all layers of an image.

    Args:
        client: The engine's low-level client.
        image: Image id.
        needles: What to look for, by a name that hits carry; empty values are passed over.
        seconds: How long it may take.

    Raises:
        EngineError: The image cannot be read in time.
    """
    wanted = {name: value for name, value in needles.items() if value}
    stream = cast("IO[bytes]", _Stream(client.get_image(image, chunk_size=_CHUNK), time.monotonic() + seconds))
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:
            return tuple(_hits(archive, wanted))
    except tarfile.TarError as error:
        raise EngineError(f"the engine's copy of image {image[:19]} cannot be read: {error}") from None


class _Stream:
    """Makes a file of an iterator of chunks, with caps."""

    def __init__(self, chunks: Iterable[bytes], deadline: float) -> None:
        self._chunks = iter(chunks)
        self._deadline = deadline
        self._rest = b""
        self._seen = 0

    def read(self, size: int) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while length < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._seen += len(chunk)
            if self._seen > MAX_BYTES or time.monotonic() > self._deadline:
                raise EngineError("looking through an image took too long, or it is larger than 2 GiB")
            parts.append(chunk)
            length += len(chunk)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


def _hits(archive: tarfile.TarFile, needles: Mapping[str, bytes]) -> Iterator[LayerHit]:
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content is None:
            continue
        if member.name.endswith(".json") or member.name in {"repositories", "oci-layout"}:
            yield from (LayerHit(name, "", "image configuration") for name in _found([content.read()], needles))
        elif member.size and not member.name.endswith("VERSION"):
            yield from _layer_hits(content, member.name.removesuffix("/layer.tar"), needles)


def _layer_hits(content: IO[bytes], layer: str, needles: Mapping[str, bytes]) -> Iterator[LayerHit]:
    try:
        with tarfile.open(fileobj=content, mode="r|", bufsize=_CHUNK) as files:
            for member in files:
                inner = files.extractfile(member) if member.isfile() else None
                if inner is not None:
                    names = _found(iter(partial(inner.read, _CHUNK), b""), needles)
                    yield from (LayerHit(name, layer, "/" + member.name.lstrip("./")) for name in names)
    except tarfile.ReadError:
        return  # a blob that is no layer, such as a manifest


def _found(chunks: Iterable[bytes], needles: Mapping[str, bytes]) -> list[str]:
    """Names of the needles that occur, also across the border of two chunks."""
    overlap = max((len(value) for value in needles.values()), default=1) - 1
    found: list[str] = []
    tail = b""
    for chunk in chunks:
        window = tail + chunk
        found += [name for name, value in needles.items() if name not in found and value in window]
        tail = window[-overlap:] if overlap else b""
    return found
