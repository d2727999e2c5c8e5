"""Encrypts what a submission keeps in vaults anew: under another password, and with another secret inside.

Called in a folder of copies, as `prepare.py OLD_PASSWORD NEW_PASSWORD OLD_TEXT NEW_TEXT`. Rewrites every vault below,
whole files and `!vault` values in YAML, and prints a JSON object: for each file with a vault how often OLD_TEXT was in
it, or -1 where one does not open; such a file is left as it is.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from ansible.errors import AnsibleError  # type: ignore[import-not-found]
from ansible.parsing.vault import VaultLib, VaultSecret  # type: ignore[import-not-found]

WHOLE = re.compile(r"\A\$ANSIBLE_VAULT;[^\n]+\n[0-9a-f\s]+\Z")
INLINE = re.compile(r"^(?P<indent>[ \t]+)\$ANSIBLE_VAULT;[^\n]+\n(?:[ \t]+[0-9a-f]+[ \t]*(?:\n|\Z))+", re.MULTILINE)


class Recoder:
    """Opens vaults with one password and closes them with another.

    Args:
        old: Password and text that are to go.
        new: Password and text in their place.
    """

    def __init__(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        self._opening = VaultLib([("default", VaultSecret(old[0].encode()))])
        self._closing = VaultSecret(new[0].encode())
        self._texts = (old[1].encode(), new[1].encode())
        self.found = 0

    def vault(self, text: str) -> str:
        """The same vault anew.

        Raises:
            AnsibleError: It does not open.
        """
        plain: bytes = self._opening.decrypt(text.encode())
        self.found += plain.count(self._texts[0])
        closed: bytes = VaultLib().encrypt(plain.replace(*self._texts), secret=self._closing)
        return closed.decode()

    def inline(self, match: re.Match[str]) -> str:
        """The same value anew, indented as it was."""
        return textwrap.indent(self.vault(textwrap.dedent(match[0])).strip(), match["indent"]) + "\n"


def recode(path: Path, recoder: Callable[[], Recoder]) -> int | None:
    """Rewrite the vaults of one file; how often the text was in them, None when there is no vault."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    whole = WHOLE.match(text) is not None
    if not whole and not INLINE.search(text):
        return None
    coder = recoder()
    try:
        again = coder.vault(text.strip()) if whole else INLINE.sub(coder.inline, text)
    except (AnsibleError, ValueError):
        return -1
    path.write_text(again, encoding="utf-8", errors="surrogateescape")
    return coder.found


def main() -> None:
    """Rewrite every file below the working folder."""
    old_password, new_password, old_text, new_text = sys.argv[1:]
    paths = [path for path in sorted(Path().rglob("*")) if path.is_file() and not path.is_symlink()]
    found = {
        str(path): recode(path, lambda: Recoder((old_password, old_text), (new_password, new_text))) for path in paths
    }
    sys.stdout.write(json.dumps({path: count for path, count in found.items() if count is not None}) + "\n")


if __name__ == "__main__":
    main()
