"""Starts the target, as root with nothing but the right to start programs as others."""

from __future__ import annotations

import os
import pwd
import secrets
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from graders.images.serving.web import Doors, Server
from graders.images.target.admin import Admin, nobody
from graders.images.target.connections import connected
from graders.images.target.databases import Databases
from graders.images.target.door import Door
from graders.images.target.front import Fronts
from graders.images.target.logins import Logins, new_key
from graders.images.target.tenants import MOST, PORT, USERS, Tenants
from graders.images.target.verbs import Verbs

ADMIN_PORT = 8000
RUN, KEPT = Path("/run/target"), Path("/srv/target")
USER = "deploy"
SHARED = ("/run", "/srv", "/tmp", "/dev/shm", "/dev/mqueue")  # noqa: S108 - they are closed, not used
"""Where everybody could write otherwise."""
FIRST_USERS = range(1_000_000, 2_000_000_000, 1000)
"""Numbers are counted over the whole machine by limits such as that of threads: targets side by side take others."""


def close(folders: Iterable[str]) -> None:
    """Leave nothing that a release could write to, read in, or hide from us."""
    for folder in folders:
        if Path(folder).is_dir():
            Path(folder).chmod(0o755)


def main() -> None:
    """Serve until killed."""
    token, url = os.environ.pop("ADMIN_TOKEN", ""), os.environ.pop("DATABASE_ADMIN_URL", "")
    if not url:
        sys.exit("release-target: DATABASE_ADMIN_URL is not set; give it postgresql://user:password@host:port/database")
    os.umask(0o027)
    login = pwd.getpwnam(USER)
    first = FIRST_USERS[secrets.randbelow(len(FIRST_USERS))]
    # As a member of these groups this process may give them its files, without the right to give files away.
    os.setgroups([login.pw_gid, *(first + number * USERS for number in range(MOST))])
    close(SHARED)
    RUN.mkdir(mode=0o755)
    KEPT.mkdir(mode=0o755)
    RUN.chmod(0o755)
    KEPT.chmod(0o711)
    databases = Databases(url, connected)
    databases.prepare()
    fronts = Fronts(PORT, MOST)
    fronts.start()
    logins = Logins(RUN / "ssh", RUN / "keys", login.pw_uid, login.pw_gid)
    host_key = logins.start()
    tenants, verbs = Tenants(KEPT, first, databases, fronts, logins.admit), Verbs(fronts)
    door = Door(RUN / "door", login.pw_uid, login.pw_gid, tenants, verbs)
    threading.Thread(target=door.serve_forever, name="door", daemon=True).start()
    admin = Admin(tenants, verbs, os.environ.get("SERVICE", "target"), host_key, lambda: new_key(KEPT))
    with Server(ADMIN_PORT, Doors(token, admin, nobody, logins.running)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
