"""What the deploy target takes for a release, and what it refuses."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.images.serving.words import Refused
from graders.images.target import archives, releases
from graders.images.target.archives import UNPACKED, release_of
from graders.images.target.releases import Releases
from graders.images.target.tars import ENTRIES
from tests.unit.pipeline_archives import VERSION, files, packed, release, special


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("before", ["", "./"])
def test_a_release_is_read_however_it_was_packed(form: int, before: str) -> None:
    deep = "ferry/" + "/".join(["a" * 60] * 3) + "/page.html"
    given = {f"{before}{name}": content for name, content in {**files(), deep: "x", "README.md": "hi"}.items()}
    read = release_of(packed({"./": None, **given} if before else given, form=form))
    assert read.version == VERSION
    assert read.files[deep] == b"x"
    assert read.files["ferry/__init__.py"] == b""
    assert list(read.folders)[:1] == ["ferry"]
    assert read.migrations == ["0001_start.sql"]


def test_names_that_need_a_header_of_their_own_are_read() -> None:
    name = "ferry/Fährplan-" + "ü" * 40 + ".txt"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert name in release_of(packed({**files(), name: "x"}, form=form)).files


def test_what_git_archive_puts_before_is_passed_over() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", pax_headers={"comment": VERSION}) as archive:
        for name, content in files().items():
            entry = tarfile.TarInfo(name)
            entry.size = len(str(content))
            entry.mtime = 1.5
            archive.addfile(entry, io.BytesIO(str(content).encode()))
    assert release_of(gzip.compress(made.getvalue())).version == VERSION


def test_the_digest_is_that_of_the_bytes_as_they_came() -> None:
    data = release()
    assert release_of(data).sha256 == hashlib.sha256(data).hexdigest()


REFUSED = {
    "nothing in it": (packed({}), "has nothing at its top"),
    "a folder around it": (packed({f"app/{name}": content for name, content in files().items()}), "'app' at its top"),
    "no VERSION": (packed({"ferry/web.py": "", "migrations": None}), "VERSION at its top"),
    "a short VERSION": (release("0123abc"), "full SHA"),
    "a branch for VERSION": (release("main\nx"), "full SHA"),
    "out of the folder": (packed({**files(), "../x": "x"}), "leads elsewhere"),
    "out in the middle": (packed({**files(), "ferry/../../x": "x"}), "leads elsewhere"),
    "from the root": (packed({**files(), "/etc/x": "x"}), "leads elsewhere"),
    "from the root by a dot": (packed({**files(), ".//./../etc/x": "x"}), "leads elsewhere"),
    "a name to steer a terminal": (packed({**files(), "ferry/\x1b[2J": "x"}), "leads elsewhere"),
    "a long name": (packed({**files(), "ferry/" + "x" * 200: "x"}), "leads elsewhere"),
    "a deep one": (packed({**files(), "/".join(["a"] * 11): "x"}), "deeper than"),
    "a file that is a folder": (packed({**files(), "VERSION/x": "x"}), "both a file and a folder"),
    "a folder that is a file": (packed({**files(), "ferry": "x"}), "twice"),
    "a file and a folder of its name": (packed({**files(), "VERSION": VERSION, "./VERSION": None}), "twice"),
    "a file twice": (packed({**files(), "./VERSION": VERSION}), "twice"),
    "many": (packed({**files(), **{f"ferry/{n}": "" for n in range(ENTRIES)}}), "more than"),
    "many folders": (packed({f"{n}/a/b/c/d/e/f": "" for n in range(100)}), "more than"),
    "a symbolic link": (packed(files(), special("ferry/x", tarfile.SYMTYPE, "/etc/passwd")), "symbolic link"),
    "a hard link": (packed(files(), special("ferry/x", tarfile.LNKTYPE, "VERSION")), "hard link"),
    "a long link": (packed(files(), special("x", tarfile.SYMTYPE, "y" * 200), form=tarfile.GNU_FORMAT), "link"),
    "a pipe": (packed(files(), special("ferry/x", tarfile.FIFOTYPE)), "a pipe"),
    "a device": (packed(files(), special("ferry/x", tarfile.CHRTYPE)), "a device"),
    "sparse": (packed(files(), special("ferry/x", tarfile.GNUTYPE_SPARSE)), "sparse"),
    "an unknown kind": (packed(files(), special("ferry/x", b"Z")), "kind 'Z'"),
    "a bomb": (packed({**files(), "ferry/x": b"\0" * (UNPACKED + 1)}), "unpacks to more than"),
    "a bomb in pieces": (gzip.compress(b"\0" * (UNPACKED // 2)) * 3, "unpacks to more than"),
    "no gzip": (b"hello", "no gzip"),
    "no tar": (gzip.compress(b"x" * 2048), "no tar archive"),
    "cut off": (release()[:-20], "cut off"),
    "cut off inside": (gzip.compress(gzip.decompress(release())[:700]), "cut off"),
    "no end": (gzip.compress(gzip.decompress(packed({"VERSION": ""}))[:512]), "cut off"),
    "two in one": (release() + release(), "follows"),
    "rubbish behind": (release() + b"rubbish", "no gzip"),
    "too large": (os.urandom(5 << 20), "larger than"),
    "empty": (b"", "cut off"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_release_is_refused_in_one_line(name: str) -> None:
    data, why = REFUSED[name]
    with pytest.raises(Refused, match=why) as caught:
        release_of(data)
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert "; " in caught.value.message


def header(**fields: bytes) -> bytes:
    """A pax header of our own making, before a file."""
    records = b"".join(fields.values())
    made = bytearray(tarfile.TarInfo("x").tobuf())
    for kind, size, place in ((b"x", len(records), 0), (b"0", 0, 1)):
        block = bytearray(tarfile.TarInfo("x").tobuf())
        block[156:157] = kind
        block[124:136] = b"%011o\0" % size
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        made = block if not place else made + records.ljust(512, b"\0") + block
    return gzip.compress(bytes(made) + bytes(1024))


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (b"18 path=../../etc\n", "leads elsewhere"),
        (b"99 path=x\n", "damaged"),
        (b"x path=x\n", "damaged"),
        (b"0 path=x\n", "damaged"),
        (b"12 size=999\n", "sparse or very large"),
        (b"24 GNU.sparse.realsize=9\n", "damaged|sparse"),
        (b"9 path=\xff\n", "no UTF-8"),
    ],
)
def test_a_header_with_another_name_is_looked_at_as_well(records: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        release_of(header(records=records))


@given(st.binary(max_size=2000), st.integers(0, 40_000))
def test_no_bytes_cause_anything_but_an_answer(noise: bytes, place: int) -> None:
    plain = gzip.decompress(PLAIN)
    place %= len(plain)
    for data in (gzip.compress(plain[:place] + noise + plain[place + len(noise) :], 1), PLAIN[: place % 500] + noise):
        try:
            read = release_of(data)
        except Refused:
            continue
        assert not any(".." in path.split("/") or path.startswith("/") for path in (*read.files, *read.folders))


PLAIN = release()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    monkeypatch.setattr(releases, "MOST", 3)
    return Releases(tmp_path / "t00", os.getgid())


def test_a_release_lies_where_its_group_can_read_and_nobody_can_write(kept: Releases) -> None:
    made = kept.keep("r1", PLAIN)
    folder = kept.path("r1")
    assert (folder / "VERSION").read_text() == f"{VERSION}\n"
    assert not (folder / "ferry" / "web.py").stat().st_mode & 0o027
    assert not folder.stat().st_mode & 0o027
    assert folder.parent.stat().st_mode & stat.S_ISGID
    assert kept.archive("r1") == PLAIN
    assert kept.migration("r1", "0001_start.sql").startswith("CREATE")
    assert kept.all() == [made]
    kept.remove()
    assert not folder.parent.exists()


def test_a_release_never_changes(kept: Releases) -> None:
    made = kept.keep("r1", PLAIN)
    assert kept.keep("r1", PLAIN) is made
    with pytest.raises(Refused, match="never changes; give it another name"):
        kept.keep("r1", release("f" * 40))
    assert kept.get("r1").version == VERSION


def test_there_is_an_end_to_releases_and_to_bytes(kept: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("r1", "r2", "r3"):
        kept.keep(name, PLAIN)
    with pytest.raises(Refused, match="upload fewer"):
        kept.keep("r4", PLAIN)
    monkeypatch.setattr(releases, "MOST", 9)
    monkeypatch.setattr(releases, "WHOLE", 1000)
    with pytest.raises(Refused, match="upload fewer"):
        kept.keep("r4", PLAIN)


def test_a_full_disk_is_told_and_leaves_nothing(kept: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(releases, "write", full)
    with pytest.raises(Refused, match="no room for r1"):
        kept.keep("r1", PLAIN)
    assert kept.all() == []


@pytest.mark.parametrize(("name", "file"), [("r1", "0002_more.sql"), ("r1", "../VERSION"), ("r9", "0001_start.sql")])
def test_what_is_not_there_is_named_with_what_is(kept: Releases, name: str, file: str) -> None:
    kept.keep("r1", PLAIN)
    with pytest.raises(Refused, match=r"it has: 0001_start.sql|there is: r1"):
        kept.migration(name, file)


def test_a_migration_that_is_no_text_is_told(kept: Releases) -> None:
    kept.keep("r1", packed({**files(), "migrations/0002_x.sql": b"\xff\xfe"}))
    with pytest.raises(Refused, match="no UTF-8"):
        kept.migration("r1", "0002_x.sql")


def test_the_caps_are_those_of_the_documentation() -> None:
    assert (archives.PACKED, archives.UNPACKED, ENTRIES, archives.DEPTH) == (4 << 20, 16 << 20, 500, 10)
