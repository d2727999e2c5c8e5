"""What goes to an engine and comes from it, as bytes: contexts, transcripts, logs, archives."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.errors import BuildFailedError
from mde_grader.runtimes.docker.archives import _Capped, _first
from mde_grader.runtimes.docker.contexts import DOCKERFILE, context_stream, file_archive
from mde_grader.runtimes.docker.transcripts import HeadTail, Transcript, own_lines


def sent(root: Path, dockerfile: str = "FROM x\n", excludes: tuple[str, ...] = (), limit_mb: int = 1) -> bytes:
    return b"".join(context_stream(root, dockerfile, excludes, limit_mb=limit_mb))


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: member for member in archive}


class TestContexts:
    def test_bytes_depend_on_names_contents_and_x_bits_alone(self, tmp_path: Path) -> None:
        first, second = tmp_path / "1", tmp_path / "2"
        for root, names in ((first, ("b", "a/c", "run.sh")), (second, ("run.sh", "a/c", "b"))):
            (root / "a").mkdir(parents=True)
            for name in names:
                (root / name).write_text(name)
        (first / "run.sh").chmod(0o700)
        (second / "run.sh").chmod(0o755)
        (second / "b").chmod(0o600)
        os.utime(second / "b", (1, 1))
        assert sent(first) == sent(second)
        (second / "run.sh").chmod(0o644)
        assert sent(first) != sent(second)

    def test_what_is_sent(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "big").write_bytes(b"x" * 100_001)
        (tmp_path / "link").symlink_to("a/big")
        os.mkfifo(tmp_path / "fifo")
        found = members(sent(tmp_path, "FROM é\n"))
        assert sorted(found) == [".dockerignore", DOCKERFILE, "a", "a/big", "link"]
        assert found["a/big"].size == 100_001
        assert found["link"].linkname == "a/big"
        assert all((each.uid, each.gid, each.mtime) == (0, 0, 0) for each in found.values())
        assert found[DOCKERFILE].size == len("FROM é\n".encode())

    def test_the_builder_takes_our_own_files_out(self, tmp_path: Path) -> None:
        (tmp_path / ".dockerignore").write_text("*.md\n")
        (tmp_path / DOCKERFILE).write_text("FROM evil\n")
        with tarfile.open(fileobj=io.BytesIO(sent(tmp_path))) as archive:
            names = archive.getnames()
            ignore, ours = archive.extractfile(".dockerignore"), archive.extractfile(DOCKERFILE)
            assert ignore is not None
            assert ours is not None
            assert ignore.read().decode().split() == [DOCKERFILE, ".dockerignore"]
            assert ours.read() == b"FROM x\n"
        assert len(names) == len(set(names)), "two of a name, and which one counts is the engine's choice"

    def test_dockerignore_as_docker_reads_it(self, tmp_path: Path) -> None:
        for name in ("README.md", "keep.md", "app.py", "sub/README.md", "sub/deep/x.pyc", ".git/config"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("x")
        found = members(sent(tmp_path, excludes=("*.md", "!keep.md", "**/*.pyc", ".git")))
        files = {name for name, each in found.items() if each.isfile()} - {DOCKERFILE, ".dockerignore"}
        assert files == {"keep.md", "app.py", "sub/README.md"}

    def test_an_empty_context_is_one(self, tmp_path: Path) -> None:
        assert sorted(members(sent(tmp_path))) == [".dockerignore", DOCKERFILE]

    def test_a_large_context_is_refused_before_it_is_sent(self, tmp_path: Path) -> None:
        (tmp_path / "big").write_bytes(b"x" * (1 << 20))
        sent(tmp_path)
        (tmp_path / "more").write_bytes(b"x")
        with pytest.raises(BuildFailedError, match=r"1\.0 MB, and 1 MB") as caught:
            context_stream(tmp_path, "", (), limit_mb=1)
        assert caught.value.rule == "build.context"
        assert "big" in members(sent(tmp_path, excludes=("more",)))

    def test_a_file_that_shrinks_meanwhile_does_not_shift_the_rest(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x" * 1000)
        stream = context_stream(tmp_path, "FROM x\n", (), limit_mb=1)
        (tmp_path / "a").write_bytes(b"x")
        assert members(b"".join(stream))["a"].size == 1000

    def test_small_files_for_a_container(self) -> None:
        with tarfile.open(fileobj=io.BytesIO(file_archive({"/run/secrets/k": b"v", "/a": b""}))) as archive:
            assert [(each.name, stat.S_IMODE(each.mode), each.size) for each in archive] == [
                ("a", 0o444, 0),
                ("run/secrets/k", 0o444, 1),
            ]


class TestHeadTail:
    @given(st.lists(st.binary(max_size=50)), st.integers(2, 60))
    def test_it_keeps_both_ends_and_counts_the_rest(self, parts: list[bytes], limit: int) -> None:
        kept = HeadTail(limit)
        for part in parts:
            kept.add(part)
        whole = b"".join(parts)
        assert kept.total == len(whole)
        text = kept.text()
        if len(whole) <= limit:
            assert text == whole.decode(errors="replace")
        else:
            assert f"[... {len(whole) - limit} bytes left out ...]" in text
            assert text.startswith(whole[: limit // 2].decode(errors="replace")[:-1])
        assert len(kept.head) + len(kept.tail) <= 3 * limit + 100


def stream(*messages: object) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\r\n" for message in messages)


SUCCESS = stream(
    {"stream": "Step 1/4 : FROM base"},
    {"stream": "\n"},
    {"stream": " ---> 33258e1dc491\n"},
    {"stream": "Step 2/4 : RUN x"},
    {"stream": " ---> Running in 7f634040b169\n"},
    {"stream": "hello\n"},
    {"stream": " ---> 9bee134e92d8\n"},
    {"stream": "Step 3/4 : FROM base"},
    {"stream": " ---> 33258e1dc491\n"},
    {"stream": "Step 4/4 : COPY a b"},
    {"stream": " ---> cd269424743d\n"},
    {"aux": {"ID": "sha256:cd26"}},
    {"stream": "Successfully built cd269424743d\n"},
)


class TestTranscripts:
    @given(st.integers(1, 200))
    def test_however_it_is_cut(self, step: int) -> None:
        made = Transcript(HeadTail(10_000))
        for at in range(0, len(SUCCESS), step):
            made.feed(SUCCESS[at : at + step])
        assert (made.image, made.error, made.container) == ("sha256:cd26", "", "")
        assert made.tops == ["9bee134e92d8"]
        assert made.images() == ["cd269424743d", "9bee134e92d8"]
        assert "hello\n" in made.log.text()

    def test_a_step_that_runs_is_known(self) -> None:
        made = Transcript(HeadTail(100))
        made.feed(stream({"stream": " ---> 33258e1dc491\n"}, {"stream": " ---> Running in 7f634040b169\n"}))
        assert made.container == "7f634040b169"

    def test_an_error_is_the_last_word(self) -> None:
        made = Transcript(HeadTail(1000))
        made.feed(stream({"errorDetail": {"code": 3, "message": "no"}, "error": "no "}))
        assert made.error == "no"
        assert made.log.text() == "no\n"
        assert made.image == ""

    def test_output_cannot_name_the_image(self) -> None:
        made = Transcript(HeadTail(1000))
        made.feed(
            stream({"stream": '{"aux":{"ID":"sha256:evil"}}\r\n'}, {"stream": "Successfully built 0123456789ab\n"})
        )
        assert made.image == ""

    @given(st.binary())
    def test_nonsense_is_passed_over(self, data: bytes) -> None:
        made = Transcript(HeadTail(100))
        made.feed(data + b"\n" + b"3\n" + stream({"error": "end"}))
        assert made.error == "end"


def pieces_of(data: bytes, size: int = 700) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


LOG = """Step 1/3 : FROM base
 ---> 1ab6520bd083
Step 2/3 : RUN pip install flask
 ---> Using cache
 ---> 0123456789ab
Step 3/3 : RUN make it
 ---> Running in 0123456789ab
make: *** no rule
 ---> Running in circles
\x1b[0mRemoving intermediate container 0123456789ab
The command '/bin/sh -c make it' returned a non-zero code: 2
"""


def test_what_the_builder_says_of_itself_takes_no_room_from_what_programs_printed() -> None:
    assert own_lines(LOG).split("\n") == [
        "Step 1/3 : FROM base",
        "Step 2/3 : RUN pip install flask",
        "Step 3/3 : RUN make it",
        "make: *** no rule",
        " ---> Running in circles",
        "",
    ]


class TestArchives:
    def made(self, *infos: tuple[str, bytes, bytes]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, kind, content in infos:
                info = tarfile.TarInfo(name)
                info.type, info.size, info.linkname = kind, len(content), "/etc/shadow"
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    def read(self, data: bytes, limit: int) -> bytes:
        return _first(_Capped(pieces_of(data), limit + 65_536), "/x", limit)

    def test_a_file_comes_out_whole(self) -> None:
        assert self.read(self.made(("x", tarfile.REGTYPE, b"ab" * 1000)), 2000) == b"ab" * 1000

    @pytest.mark.parametrize(
        "kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.LNKTYPE]
    )
    def test_anything_else_is_refused(self, kind: bytes) -> None:
        with pytest.raises(ValueError, match="not a regular file"):
            self.read(self.made(("x", kind, b"")), 10)

    def test_a_large_one_is_refused_by_its_header(self) -> None:
        data = self.made(("x", tarfile.REGTYPE, b"x" * 200_000))
        with pytest.raises(ValueError, match="200000 bytes, more than the 10"):
            self.read(data[:1024], 10)

    @pytest.mark.parametrize("data", [b"", b"x" * 100, b"x" * 2000])
    def test_nonsense_is_refused(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="/x"):
            self.read(data, 10)

    def test_a_header_without_an_end_is_capped(self) -> None:
        endless = self.made(("x", tarfile.GNUTYPE_LONGNAME, b"n" * 500_000), ("x", tarfile.REGTYPE, b""))
        with pytest.raises(ValueError, match="larger than the limit"):
            self.read(endless, 10)
