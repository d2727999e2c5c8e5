"""Encrypts what a submission keeps in vaults anew: under another password, and with another secret inside.

Called in a folder of copies, as `prepare.py OLD_PASSWORD NEW_PASSWORD OLD_TEXT NEW_TEXT`. Rewrites every vault below,
whole files and `!vault` values in YAML, and prints a JSON object: for each file with a vault how often OLD_TEXT was in
it, or -1 where one does not open; such a file is left as it is.

The format is Ansible's own, versions 1.1 and 1.2 with AES256, as its guide to vaults describes it: a header, and in
hexadecimal three lines, which are salt, HMAC-SHA256 and cipher text, each in hexadecimal again. Keys and counter come
from 10,000 rounds of PBKDF2-HMAC-SHA256; the cipher is AES-256-CTR over text that is padded to 16 bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import sys
import textwrap
from binascii import Error, hexlify, unhexlify
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher  # type: ignore[import-not-found,unused-ignore]
from cryptography.hazmat.primitives.ciphers.algorithms import AES  # type: ignore[import-not-found,unused-ignore]
from cryptography.hazmat.primitives.ciphers.modes import CTR  # type: ignore[import-not-found,unused-ignore]

HEADER = "$ANSIBLE_VAULT;1.1;AES256"
WIDTH = 80
ROUNDS = 10_000
KEY, BLOCK = 32, 16
WHOLE = re.compile(r"\A\$ANSIBLE_VAULT;1\.[12];AES256[^\n]*\n[0-9a-f\s]+\Z")
INLINE = re.compile(
    r"^(?P<indent>[ \t]+)\$ANSIBLE_VAULT;1\.[12];AES256[^\n]*\n(?:[ \t]+[0-9a-f]+[ \t]*(?:\n|\Z))+", re.MULTILINE
)


def keys(password: str, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """Key of the cipher, key of the HMAC, and the counter's start."""
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS, 2 * KEY + BLOCK)
    return made[:KEY], made[KEY : 2 * KEY], made[2 * KEY :]


def opened(vault: str, password: str) -> bytes:
    """The text in a vault.

    Raises:
        ValueError: It is none, or has another password.
    """
    body = "".join(vault.split("\n", 1)[1].split())
    try:
        salt, tag, text = (unhexlify(part) for part in unhexlify(body).split(b"\n"))
    except Error as error:
        raise ValueError(f"no vault: {error}") from error
    cipher_key, tag_key, counter = keys(password, salt)
    if not hmac.compare_digest(tag, hmac.digest(tag_key, text, "sha256")):
        raise ValueError("another password")
    stream = Cipher(AES(cipher_key), CTR(counter)).decryptor()
    padded: bytes = stream.update(text) + stream.finalize()
    return padded[: -padded[-1]]


def closed(text: bytes, password: str) -> str:
    """A vault with a text in it."""
    salt = secrets.token_bytes(KEY)
    cipher_key, tag_key, counter = keys(password, salt)
    left = BLOCK - len(text) % BLOCK
    stream = Cipher(AES(cipher_key), CTR(counter)).encryptor()
    hidden: bytes = stream.update(text + bytes([left]) * left) + stream.finalize()
    tag = hmac.digest(tag_key, hidden, "sha256")
    body = hexlify(b"\n".join(hexlify(part) for part in (salt, tag, hidden))).decode()
    return "\n".join([HEADER, *textwrap.wrap(body, WIDTH)]) + "\n"


class Recoder:
    """Opens vaults with one password and closes them with another.

    Args:
        old: Password and text that are to go.
        new: Password and text in their place.
    """

    def __init__(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        self._passwords = (old[0], new[0])
        self._texts = (old[1].encode(), new[1].encode())
        self.found = 0

    def vault(self, text: str) -> str:
        """The same vault anew.

        Raises:
            ValueError: It does not open.
        """
        plain = opened(text, self._passwords[0])
        self.found += plain.count(self._texts[0])
        return closed(plain.replace(*self._texts), self._passwords[1])

    def inline(self, match: re.Match[str]) -> str:
        """The same value anew, indented as it was."""
        return textwrap.indent(self.vault(textwrap.dedent(match[0])), match["indent"])


def recode(path: Path, coder: Recoder) -> int | None:
    """Rewrite the vaults of one file; how often the text was in them, None when there is no vault."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    whole = WHOLE.match(text) is not None
    if not whole and not INLINE.search(text):
        return None
    try:
        again = coder.vault(text) if whole else INLINE.sub(coder.inline, text)
    except ValueError:
        return -1
    path.write_text(again, encoding="utf-8", errors="surrogateescape")
    return coder.found


def main() -> None:
    """Rewrite every file below the working folder."""
    old_password, new_password, old_text, new_text = sys.argv[1:]
    paths = [path for path in sorted(Path().rglob("*")) if path.is_file() and not path.is_symlink()]
    found = {str(path): recode(path, Recoder((old_password, old_text), (new_password, new_text))) for path in paths}
    sys.stdout.write(json.dumps({path: count for path, count in found.items() if count is not None}) + "\n")


if __name__ == "__main__":
    main()
