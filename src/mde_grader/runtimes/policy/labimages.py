"""What a submission may give to an image of the lab's: nothing with which it would no longer be the lab's.

Such a service counts as ours when it fails, so that nothing given to it may be a reason why it does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from mde_grader.runtimes.base import ServiceSpec
from mde_grader.runtimes.policy.mounts import target_path
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.values import Value

SECRETS = "/run/secrets/"

_LOADER = re.compile(
    r"LD_.*|PATH|ENV|BASH_ENV|BASH_FUNC.*|SHELLOPTS|IFS|PERL.*|PYTHON.*|GCONV_PATH|LOCPATH|NLSPATH|GLIBC_.*|MALLOC_.*"
)
_FILE = re.compile(r"[A-Z0-9_]+_FILE")


def check_variables(
    environment: Mapping[str, str], files: Collection[str], places: Collection[str], service: Value
) -> None:
    """Refuse variables that change how the image's programs are loaded, or where they listen, store and read.

    Args:
        environment: What the service is given.
        files: Paths of the secrets that it is given.
        places: Where its volumes may stand.
        service: Its entry.

    Raises:
        SubmissionRefusedError: One of them is not accepted.
    """
    for name, text in environment.items():
        if _LOADER.fullmatch(name.upper()) or (name == "PGPORT" and text.strip() != "5432"):
            _refuse(name, service, "cannot be set for the lab's image", f"remove {shown(name)}")
        if name == "PGDATA":
            path = target_path(text, service)
            if not any(path == place or path.startswith(f"{place}/") for place in places):
                hint = f"leave it out, or use a folder in {' or '.join(sorted(places)) or 'none'}"
                _refuse(name, service, "is not a place that the lab's image keeps data at", hint)
        if _FILE.fullmatch(name) and text and text not in files:
            given = ", ".join(sorted(files)) or "none"
            _refuse(name, service, f"names {shown(text)}, which is no secret of this service", f"its secrets: {given}")


def check_files(files: Collection[str], service: Value) -> None:
    """Refuse secrets that would stand anywhere but with the secrets: they would take the image's own files' place.

    Raises:
        SubmissionRefusedError: One of them would.
    """
    for path in files:
        if not path.startswith(SECRETS):
            raise refuse(
                "compose.image-override",
                f"service {shown(str(service.path[-1]))}: a secret at {shown(path)} would change the lab's image",
                where=service.child("secrets").where,
                hint=f"leave `target` out, so that it stands below {SECRETS}",
            )


def check_shared_volumes(specs: Mapping[str, ServiceSpec], services: Mapping[str, Value]) -> None:
    """Refuse that a service of the submission writes to the volume in which a lab's image keeps its data.

    Raises:
        SubmissionRefusedError: One would.
    """
    kept = {mount.volume: name for name, spec in specs.items() if not spec.candidate for mount in spec.mounts}
    for name, spec in specs.items():
        for mount in spec.mounts if spec.candidate else ():
            if mount.volume in kept and not mount.read_only:
                raise refuse(
                    "compose.volume-shared",
                    f"service {shown(name)} could write to {shown(mount.volume)}, the data of {kept[mount.volume]}",
                    where=services[name].child("volumes").where,
                    hint="give it a volume of its own, or mount this one read-only (`:ro`)",
                )


def _refuse(name: str, service: Value, what: str, hint: str) -> None:
    raise refuse(
        "compose.image-environment",
        f"service {shown(str(service.path[-1]))}: {shown(name)} {what}",
        where=service.child("environment").where,
        hint=hint,
    )
