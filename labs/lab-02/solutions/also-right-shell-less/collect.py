"""Copies the interpreter, its standard library and the shared objects that they need into a folder."""

import pathlib
import shutil
import subprocess
import sys
import sysconfig

LEFT_OUT = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages", "__pycache__", "config-*")


def needed(binary):
    for line in subprocess.run(["ldd", binary], capture_output=True, text=True).stdout.splitlines():
        path = next((word for word in line.split() if word.startswith("/")), None)
        if path:
            yield pathlib.Path(path)


def main(target):
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, target / library.relative_to("/"), ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    interpreter = pathlib.Path("/usr/local/bin/python3.11")
    objects = {interpreter, *needed(interpreter)}
    for extension in library.glob("lib-dynload/*.so"):
        objects.update(needed(extension))
    for path in objects:
        place = target / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path.resolve(), place)


main(pathlib.Path(sys.argv[1]))
