"""A small application's repository, and runs of its pipeline in the pipeline image on the real engine."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mde_grader.runtimes.base import Limits, Mount, Owner, ServiceSpec, Stack, StackSpec
from mde_grader.runtimes.commands import Ran
from mde_grader.runtimes.docker import DockerRuntime
from mde_grader.runtimes.docker.client import sdk_client
from mde_grader.runtimes.images import require
from mde_grader.runtimes.janitor import this_process

STYLES = Path(__file__).parent / "pipelines"
LIMITS = Limits(memory_mb=768, cpus=2.0, pids=256, nofile=4096, file_mb=256, tmp_mb=384, tmp_inodes=65_536, layer_mb=16)
TOKEN = "store-token-0123456789"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n"

FARES = """\
def fare(cars: int) -> int:
    return 12 + 30 * cars
"""
TEST = """\
from ferry.fares import fare


def test_a_car_costs_more():
    assert fare(1) == 42
"""
APPLICATION = {
    "ferry/__init__.py": '"""A ferry line."""\n',
    "ferry/fares.py": FARES,
    "tests/unit/test_fares.py": TEST,
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = ["-p", "no:cacheprovider"]\n',
    "requirements-dev.txt": "pg8000>=1.31,<2\npytest>=8,<10\nruff>=0.9,<1\n",
    "docs/index.md": "# Ferry\n",
    ".gitignore": "report.xml\n",
}
RED_TEST = {"ferry/fares.py": FARES.replace("30", "31")}
LINT_ERROR = {"ferry/fares.py": "import os\n" + FARES}


@dataclass
class Origin:
    """A repository, and what was pushed last.

    Args:
        folder: Where it is made.
    """

    folder: Path
    ref: str = "refs/heads/main"
    before: str = "0" * 40
    after: str = ""
    _count: int = field(default=0)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self._git("init", "--quiet", "--initial-branch", "main")

    def push(self, files: dict[str, str] | None = None, *, branch: str = "main", style: str = "") -> Origin:
        """Commit files, and those of a style, to a branch, which begins where the last one stands."""
        known = self._git("branch", "--list", branch) != ""
        self.before = self._git("rev-parse", branch) if known and self._count else "0" * 40
        if self._count:
            self._git("checkout", "--quiet", branch if known else "-B", *([] if known else [branch]))
        if style:
            shutil.copytree(STYLES / style, self.folder, dirs_exist_ok=True)
        for name, text in (files or {"notes": str(time.monotonic_ns())}).items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self._git("add", "--all")
        self._count += 1
        self._git("commit", "--quiet", "--message", f"Change {self._count}\n\nfor ${{nobody}} $HOME")
        self.ref, self.after = f"refs/heads/{branch}", self._git("rev-parse", "HEAD")
        return self

    def tag(self, name: str) -> Origin:
        """Tag what was pushed last."""
        self._git("tag", name)
        self.ref, self.before = f"refs/tags/{name}", "0" * 40
        return self

    def bundle(self) -> bytes:
        """All of it in one file that git clones from."""
        return subprocess.check_output(
            ["git", "-C", str(self.folder), "bundle", "create", "--quiet", "-", "--all", "HEAD"]
        )

    def _git(self, *words: str) -> str:
        who = ["-c", "user.name=Kim", "-c", "user.email=kim@example.com", "-c", "core.hooksPath=/dev/null"]
        done = subprocess.run(["git", "-C", str(self.folder), *who, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()


class Pipelines:
    """A stack whose workspace runs pipelines.

    Args:
        runtime: The engine.
    """

    def __init__(self, runtime: DockerRuntime) -> None:
        images = require(["side", "pipeline"], sdk_client(runtime.engine))
        spec = ServiceSpec(
            "workspace",
            images["pipeline"].tag,
            mounts=(Mount("work", "/work"),),
            working_dir="/work",
            tmpfs=("/tmp:exec",),
            limits=LIMITS,
        )
        bare = ServiceSpec("bare", images["pipeline"].tag, tmpfs=("/tmp:exec",), limits=LIMITS)
        owner = Owner(f"e2e-pipeline-{time.time_ns():x}", this_process(), "0" * 64, time.time() + 1800)
        wanted = StackSpec((), owner, side_image=images["side"].tag, workspaces=(spec, bare))
        self.stack: Stack = runtime.up(wanted)
        self._pool = ThreadPoolExecutor(3)
        self._numbers = itertools.count()

    def start(self, origin: Origin, dialect: str, **changes: Any) -> Future[Ran]:
        """Begin the pipeline of what was pushed last; what is pushed from now on is another's."""
        name = f"{origin.folder.name}-{next(self._numbers)}.bundle"
        self.stack.files("workspace").write({name: origin.bundle()})
        order = {
            "dialect": dialect,
            "clone": f"/work/{name}",
            "ref": origin.ref,
            "before": origin.before,
            "after": origin.after,
            "repository": "acme/ferry",
            "secrets": {"STORE_TOKEN": TOKEN, "DEPLOY_KEY": KEY},
            "variables": {"TARGET": "deploy@target"},
            "files": {"DEPLOY_KEY_FILE": "DEPLOY_KEY"},
            **changes,
        }
        environment = {"PIPELINE_ORDER": json.dumps(order)}
        command = ["/opt/mde/pipeline/run"]
        return self._pool.submit(self.stack.run, "workspace", command, seconds=120, environment=environment)

    def run(self, origin: Origin, dialect: str, **changes: Any) -> Ran:
        """Run the pipeline of what was pushed last."""
        return self.start(origin, dialect, **changes).result()
