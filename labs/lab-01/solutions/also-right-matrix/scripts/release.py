"""release.py ARCHIVE: the release into the free slot, and the front to it when it is well."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time

PATIENCE = 20.0


class Target:
    def __init__(self, folder):
        key = os.open(f"{folder}/key", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(key, "w") as file:
            file.write(os.environ["KEY"].strip() + "\n")
        with open(f"{folder}/hosts", "w") as file:
            file.write(os.environ["HOST_KEY"].strip() + "\n")
        self.ssh = ["ssh", "-i", f"{folder}/key", "-o", f"UserKnownHostsFile={folder}/hosts", "-o", "BatchMode=yes"]
        self.ssh += ["-p", os.environ["PORT"], os.environ["TARGET"]]

    def try_(self, *verb, data=b""):
        return subprocess.run([*self.ssh, *verb], input=data, capture_output=True)

    def do(self, *verb, data=b""):
        ended = self.try_(*verb, data=data)
        if ended.returncode:
            raise SystemExit(f"{' '.join(verb)}: {ended.stderr.decode(errors='replace')}")
        return ended.stdout.decode()


def migrate(target, archive, name):
    done = target.do("migrated").split()
    with tarfile.open(archive) as tar:
        files = sorted(path.split("/")[1] for path in tar.getnames() if path.startswith("migrations/"))
    for file in files:
        if file not in done:
            target.do("migrate", name, file)


def start(target, slot, name):
    target.do("start", slot, name)
    end = time.monotonic() + PATIENCE
    while target.try_("health", slot).returncode:
        if time.monotonic() > end:
            target.do("stop", slot)
            raise SystemExit(f"{name} did not become healthy")
        time.sleep(0.4)


def main(archive):
    name = os.environ["GITHUB_SHA"][:12]
    with tempfile.TemporaryDirectory() as folder:
        target = Target(folder)
        target.do("lock", name, "200")
        try:
            live = json.loads(target.do("status"))["live"]
            slot = "green" if live == "blue" else "blue"
            target.do("upload", name, data=open(archive, "rb").read())
            migrate(target, archive, name)
            start(target, slot, name)
            target.do("switch", slot)
            if live:
                target.do("stop", live)
        finally:
            target.do("unlock", name)


main(sys.argv[1])
