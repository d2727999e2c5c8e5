"""Vaults that are opened and closed again, with a stand-in for the one cipher that only the image has.

That the real cipher is used as Ansible uses it, the lab's own solutions prove: Ansible opens what this has closed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from mde_grader.places import data_root


class StreamCipher:
    """XOR with a stream made of key and counter, in both directions."""

    def __init__(self, key: bytes, counter: bytes) -> None:
        blocks = (hashlib.sha256(key + counter + bytes([number % 256])).digest() for number in itertools.count())
        self._stream = itertools.chain.from_iterable(blocks)

    def encryptor(self) -> StreamCipher:
        return self

    decryptor = encryptor

    def update(self, text: bytes) -> bytes:
        return bytes(left ^ right for left, right in zip(text, self._stream, strict=False))

    def finalize(self) -> bytes:
        return b""


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    base = "cryptography.hazmat.primitives.ciphers"
    for name, holds in (
        (base, {"Cipher": StreamCipher}),
        (f"{base}.algorithms", {"AES": lambda key: key}),
        (f"{base}.modes", {"CTR": lambda counter: counter}),
    ):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**holds))
    for name in ("cryptography", "cryptography.hazmat", "cryptography.hazmat.primitives"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    spec = importlib.util.spec_from_file_location("ansible_prepare", data_root() / "graders/images/ansible/prepare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROUNDS", 1)
    return module


@pytest.mark.parametrize("text", [b"", b"x", bytes(range(16)), "tides: \u00e4\n".encode() * 40])
def test_what_was_closed_opens_again(prepare: ModuleType, text: bytes) -> None:
    vault = prepare.closed(text, "password")
    assert vault.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert {len(line) for line in vault.splitlines()[1:-1]} == {80}
    assert prepare.opened(vault, "password") == text


@pytest.mark.parametrize("vault", ["$ANSIBLE_VAULT;1.1;AES256\nabc\n", "$ANSIBLE_VAULT;1.1;AES256\n616263\n"])
def test_what_is_no_vault(prepare: ModuleType, vault: str) -> None:
    with pytest.raises(ValueError, match=r"no vault|values to unpack"):
        prepare.opened(vault, "password")


def test_another_password(prepare: ModuleType) -> None:
    with pytest.raises(ValueError, match="another password"):
        prepare.opened(prepare.closed(b"text", "one"), "two")


def test_a_folder(
    prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = prepare.closed(b"token: OLD\nagain: OLD\n", "old").replace("1.1;AES256", "1.2;AES256;house")
    inline = textwrap.indent(prepare.closed(b"OLD", "old"), "    ")
    (tmp_path / "whole").write_text(whole)
    (tmp_path / "inline").write_text(f"a: 1\ntoken: !vault |\n{inline}b: !vault |\n{inline}c: 2\n")
    (tmp_path / "shut").write_text(prepare.closed(b"OLD", "other"))
    (tmp_path / "none").write_bytes(b"no $ANSIBLE_VAULT;\xff\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prepare.py", "old", "new", "OLD", "NEW"])
    shut = (tmp_path / "shut").read_text()
    prepare.main()
    assert json.loads(capsys.readouterr().out) == {"inline": 2, "shut": -1, "whole": 2}
    assert prepare.opened((tmp_path / "whole").read_text(), "new") == b"token: NEW\nagain: NEW\n"
    lines = (tmp_path / "inline").read_text().splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("a: 1", "token: !vault |", "c: 2")
    second = lines.index("b: !vault |")
    assert prepare.opened(textwrap.dedent("\n".join(lines[2:second])), "new") == b"NEW"
    assert (tmp_path / "shut").read_text() == shut
    assert (tmp_path / "none").read_bytes() == b"no $ANSIBLE_VAULT;\xff\n"
