"""pack.py SHA ARCHIVE: the release, the same bytes for the same commit."""

import gzip
import io
import subprocess
import sys
import tarfile

sha, archive = sys.argv[1:]
names = subprocess.run(
    ["git", "ls-files", "-z", "ferry", "migrations"], check=True, capture_output=True, text=True
).stdout.split("\0")
with open(archive, "wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
    with tarfile.open(mode="w", fileobj=packed, format=tarfile.USTAR_FORMAT) as tar:
        contents = {name: open(name, "rb").read() for name in names if name} | {"VERSION": f"{sha}\n".encode()}
        for name in sorted(contents):
            entry = tarfile.TarInfo(name)
            entry.size = len(contents[name])
            tar.addfile(entry, io.BytesIO(contents[name]))
