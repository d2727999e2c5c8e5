"""`build` of a Compose service, and the one Dockerfile of a lab without Compose, into build plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mde_grader.plans import BuildPlan
from mde_grader.runtimes.policy.dockerfile import Asked, Rules, rewrite
from mde_grader.runtimes.policy.dockerignore import read_ignore
from mde_grader.runtimes.policy.folder import Folder, inside
from mde_grader.runtimes.policy.keys import check_known
from mde_grader.runtimes.policy.rules import refuse, shown
from mde_grader.runtimes.policy.values import Value

_READ = {"context", "dockerfile", "dockerfile_inline", "target", "args"}
_WITHOUT_EFFECT = {
    "cache_from", "cache_to", "labels", "no_cache", "platforms", "provenance", "pull", "sbom", "shm_size", "tags",
}  # fmt: skip
_HINTS = {
    "additional_contexts": "put the files under the build context",
    "secrets": "nothing secret is needed to build for this lab",
    "ssh": "builds reach no other machine",
}


@dataclass(slots=True)
class Builds:
    """The images of a submission; services that ask for the same one share it.

    Attributes:
        folder: The submission.
        rules: What its Dockerfiles are held against.
        values: Takes the place of build arguments that have a name only.
        plans: What was planned, by key.
    """

    folder: Folder
    rules: Rules
    values: Mapping[str, str]
    plans: dict[str, BuildPlan] = field(default_factory=dict)

    def dockerfile(self, key: str) -> str:
        """Plan the submission's own Dockerfile.

        Raises:
            SubmissionRefusedError: It is not there, or breaks a rule.
        """
        return self._add(key, Asked(self.folder.text("Dockerfile"), "Dockerfile"))

    def compose(self, service: str, build: Value) -> str:
        """Plan a service's `build`; the key of its image.

        Raises:
            SubmissionRefusedError: A key, a path or the Dockerfile breaks a rule.
        """
        entry = {"context": build} if not isinstance(build.data, dict) else dict(build.items())
        if isinstance(build.data, dict):
            self._check_keys(service, build, entry)
        context = self._context(entry.get("context"), build)
        arguments = self._arguments(entry)
        target = entry["target"].text() if entry.get("target") and entry["target"].data is not None else None
        file, text, first_line = self._source(entry, context, build)
        return self._add(service, Asked(text, file, context, arguments, target, build.where, first_line))

    def _add(self, key: str, asked: Asked) -> str:
        """Plan a build; the key of an equal one when there is one already."""
        done = rewrite(asked, self.folder, self.rules)
        plan = BuildPlan(
            key=key,
            context=asked.context,
            dockerfile=asked.file,
            text=done.text,
            bases=done.bases,
            base=done.base,
            target=done.target,
            arguments=asked.arguments,
            excludes=read_ignore(self.folder, asked.context, asked.file),
            written=done.written,
        )
        for other, known in self.plans.items():
            if replace(plan, key=other) == known:
                return other
        self.plans[key] = plan
        return key

    def _check_keys(self, service: str, build: Value, entry: Mapping[str, Value]) -> None:
        for key, value in entry.items():
            if key in _WITHOUT_EFFECT or (key == "network" and value.data == "none"):
                self.rules.note(f"{value.where}: `build.{key}` has no effect here")
            elif key in _HINTS or key in {
                "network",
                "privileged",
                "extra_hosts",
                "entitlements",
                "isolation",
                "ulimits",
            }:
                hint = _HINTS.get(key, "remove it: builds run without network, within the lab's limits")
                message = f"service {shown(service)}: `build.{key}` is not accepted"
                raise refuse("compose.build", message, where=value.where, hint=hint)
        check_known(build, _READ | _WITHOUT_EFFECT | {"network"}, f"build of {shown(service)}")

    def _context(self, value: Value | None, build: Value) -> str:
        at = value or build
        text = "." if value is None or value.data is None else value.text()
        remote = "://" in text or text.startswith("git@") or ".git#" in text
        context = "" if remote else inside(".", text or ".", where=at.where)
        if not context or not self.folder.is_folder(context):
            raise refuse(
                "compose.build-context",
                f"{shown(text)} is not a folder of the submission",
                where=at.where,
                hint="name a folder by its path from the Compose file",
            )
        return context

    def _arguments(self, entry: Mapping[str, Value]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in (entry["args"].pairs() if "args" in entry else {}).items():
            if value.data is not None:
                found[name] = value.text()
            elif name in self.values:
                found[name] = self.values[name]
        return found

    def _source(self, entry: Mapping[str, Value], context: str, build: Value) -> tuple[str, str, int]:
        """Name, text and first line of the Dockerfile."""
        inline = entry.get("dockerfile_inline")
        if inline is not None and inline.data is not None:
            return build.file, inline.text(), build.document.line(inline.path) + 1
        named = entry.get("dockerfile")
        text = "Dockerfile" if named is None or named.data is None else named.text()
        where = (named or build).where
        file = inside(context, text, where=where)
        return file, self.folder.text(file, where=where), 1
