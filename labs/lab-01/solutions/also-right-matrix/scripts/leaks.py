"""Fails when a pushed commit holds a secret, even if a later one of the same push takes it out again."""

import os
import re
import subprocess
import sys

SECRET = re.compile(rb"<%= prefix %>_live_[0-9a-f]{32}|-----BEGIN [A-Z ]*PRIVATE KEY-----")


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], check=True, capture_output=True).stdout


before, after = os.environ["BEFORE"], os.environ["GITHUB_SHA"]
pushed = [after] if set(before) == {"0"} else [after, f"^{before}"]
found = []
for line in git("rev-list", "--objects", *pushed).decode().splitlines():
    name, _, path = line.partition(" ")
    if path and git("cat-file", "-t", name).strip() == b"blob" and SECRET.search(git("cat-file", "blob", name)):
        found.append(path)
if found:
    sys.exit(f"secrets in {', '.join(found)}")
