"""Whether a service runs as root: then it may not share our side container's PID namespace.

Pure.

The engine's own reading of `USER` is followed (a number is always a uid); where it is not certain the answer is root.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")


def user_part(user: str) -> str:
    """The user of `user:group`."""
    return user.partition(":")[0].strip()


def named_user(user: str) -> str | None:
    """The name that only the image's /etc/passwd can resolve; None when none is needed."""
    name = user_part(user)
    return None if name in {"", "root"} or _NUMBER.fullmatch(name) else name


def is_root_number(user: str) -> bool:
    """Whether a user that is no name is root: nothing, `root`, or a number that is not above 0."""
    name = user_part(user)
    return not _NUMBER.fullmatch(name) or int(name) <= 0


def is_root_name(name: str, passwd: bytes | None) -> bool:
    """Whether a name is root's by that /etc/passwd.

    Root too when the file or the name is missing, and when any line of the name has no positive number: the engine
    reads a broken number as 0.
    """
    if passwd is None:
        return True
    numbers = []
    for line in passwd.decode(errors="replace").splitlines():
        fields = line.strip().split(":")
        if fields[0] == name:
            uid = fields[2] if len(fields) > 2 else ""  # noqa: PLR2004
            numbers.append(int(uid) if re.fullmatch(r"[0-9]{1,10}", uid) else 0)
    return not numbers or min(numbers) <= 0
