"""RUN instructions as a builder without BuildKit can do them: cache mounts and here-documents put into plain words."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable

from mde_grader.runtimes.policy.instructions import Instruction
from mde_grader.runtimes.policy.rules import refuse, shown

DEFAULT_SHELL = ("/bin/sh", "-c")

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/-]+")
# What a cache mount keeps out of the image: a folder that was empty or missing before is removed again afterwards.
_UNCACHED = (
    'k=; for d do [ -n "$(ls -A "$d" 2>/dev/null)" ] || k="$k $d"; done; '
    '/bin/sh -c "$0"; s=$?; rm -rf $k 2>/dev/null; exit $s'
)


def run_line(run: Instruction, shell: tuple[str, ...], note: Callable[[str], None]) -> str:
    """The instruction in one line for the lab's builder.

    Args:
        run: A RUN instruction.
        shell: The shell in force at this point of its stage.
        note: Told what was left out.

    Raises:
        SubmissionRefusedError: It uses what has no exact translation.
    """
    caches = _caches(run, note)
    script = _script(run)
    if script is None and not (caches and run.exec_form() is None and shell == DEFAULT_SHELL):
        return f"RUN {run.rest}"
    script = run.rest if script is None else script
    if caches and shell == DEFAULT_SHELL:
        return "RUN " + json.dumps([*shell, _UNCACHED, script, *caches])
    return "RUN " + json.dumps([*shell, script])


def _caches(run: Instruction, note: Callable[[str], None]) -> list[str]:
    """Targets of cache mounts; every other kind of flag is dropped with a note or refused."""
    targets = []
    for name, value in run.flags:
        if name != "mount":
            raise refuse(
                "dockerfile.flag",
                f"RUN --{shown(name, 30)} is not accepted",
                where=run.where,
                hint="remove it: builds have no network but the lab's package index, and no extra rights",
            )
        options = dict(part.partition("=")[::2] for part in value.split(","))
        kind = options.get("type", "bind")
        if kind not in {"cache", "tmpfs"}:
            _refuse_mount(kind, run.where)
        note(f"{run.where}: RUN --mount=type={kind} is left out; nothing is kept between builds by it")
        target = posixpath.normpath(options.get("target") or options.get("dst") or options.get("destination") or "/")
        if kind == "cache" and _PLAIN_PATH.fullmatch(target) and target.strip("/."):
            targets.append(target)
    return targets


def _refuse_mount(kind: str, where: str) -> None:
    hints = {
        "bind": "COPY the file before this RUN instead",
        "secret": "no secret is needed to build for this lab; read secrets when the service runs",
        "ssh": "builds reach no other machine",
    }
    raise refuse(
        "dockerfile.mount",
        f"RUN --mount=type={shown(kind, 20)} is not accepted",
        where=where,
        hint=hints.get(kind, "use a plain RUN"),
    )


def _script(run: Instruction) -> str | None:
    """The shell's text of an instruction with here-documents, None for one without."""
    if not run.heredocs:
        return None
    only = run.heredocs[0]
    if len(run.heredocs) == 1 and run.rest == only.word:
        if only.body.startswith("#!"):
            raise refuse(
                "dockerfile.heredoc",
                "a here-document with an interpreter line is not accepted",
                where=run.where,
                hint="COPY the script and RUN it",
            )
        return only.body
    return run.rest + "\n" + "".join(f"{document.body}{document.name}\n" for document in run.heredocs)
