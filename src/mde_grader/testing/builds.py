"""Builds of the fake engine."""

from __future__ import annotations

import hashlib
import re

from mde_grader.errors import BuildFailedError, ImageMissingError
from mde_grader.runtimes.base import BuildSpec, BuiltImage, Layer
from mde_grader.runtimes.failures import Stage, Trouble, blame

_RUN = re.compile(r"^RUN\s+(?P<words>.*)$", re.MULTILINE)
_FROM = re.compile(r"^FROM\s+(?P<base>\S+)", re.MULTILINE)


def fake_build(spec: BuildSpec) -> BuiltImage:
    """Build in the mind: knows `RUN false`, `RUN exit N`, `RUN sleep N`, `RUN yes` and a base called `missing`.

    Raises:
        BuildFailedError: As the engine would.
        ImageMissingError: The base is `missing`.
    """
    if any(match["base"].startswith("missing") for match in _FROM.finditer(spec.dockerfile)):
        raise ImageMissingError("the image missing is not on this engine")
    for match in _RUN.finditer(spec.dockerfile):
        _fake_step(match["words"].split(), spec)
    digest = "sha256:" + hashlib.sha256(spec.dockerfile.encode()).hexdigest()
    steps = [line for line in spec.dockerfile.splitlines() if line.strip()][1:]
    history = tuple(Layer(line, 1 if line.startswith(("RUN", "COPY")) else 0, 0) for line in steps)
    users = re.findall(r"^USER\s+(\S+)", spec.dockerfile, re.MULTILINE)
    return BuiltImage(
        id=digest,
        size=1000 + len(steps),
        added=sum(layer.size for layer in history),
        diff_ids=("sha256:base", *(f"sha256:{number}" for number, layer in enumerate(history) if layer.size)),
        history=history,
        user=users[-1] if users else "",
        config={"User": users[-1] if users else "", "Labels": {"mde-grade.cache": spec.lab}},
        seconds=0.0,
        log="\n".join(f"Step : {line}" for line in steps),
    )


def _fake_step(words: list[str], spec: BuildSpec) -> None:
    if words[:1] == ["sleep"] and float(words[1]) > spec.limits.seconds:
        raise BuildFailedError("build.deadline", f"the image was not built within {spec.limits.seconds:.0f} s")
    if words[:1] == ["yes"]:
        raise BuildFailedError(
            "build.log", f"the build printed more than {spec.limits.log_kb} KB and was stopped", said="y\n"
        )
    code = 1 if words == ["false"] else int(words[1]) if words[:1] == ["exit"] else 0
    if code:
        message = f"The command '/bin/sh -c {' '.join(words)}' returned a non-zero code: {code}"
        found = blame(Trouble(Stage.BUILD, message=message))
        raise BuildFailedError(found.rule, found.message, hint=found.hint, said=message)
