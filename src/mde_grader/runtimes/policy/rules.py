"""Every rule by which a submission can be refused, with what it asks for. Generated into docs/reference/policy.md."""

from __future__ import annotations

from mde_grader.errors import SubmissionRefusedError

RULES: dict[str, str] = {
    "submission.link": "Links may point anywhere inside the submission, nowhere else.",
    "submission.special-file": "Files, folders and links only: no pipes, sockets or devices.",
    "submission.file-size": "One file may have 32 MiB.",
    "submission.total-size": "All files together may have 64 MiB.",
    "submission.too-many": "At most 5,000 files and folders.",
    "submission.depth": "At most 32 folders deep and 1,024 bytes of path.",
    "submission.name": "File names are valid UTF-8 without control characters.",
    "submission.unreadable": "Every file can be read.",
    "submission.missing": "The file that the lab asks for, or that another file names, is there and is a file.",
    "submission.dialect": "The files are there of the dialect that is asked for, or of one of the lab's.",
    "submission.text": "Files that are read are UTF-8 text of at most 256 KiB, env files of 64 KiB.",
    "submission.outside": "Paths in Dockerfiles and Compose files stay inside the submission.",
    "dockerfile.syntax": "The file follows Dockerfile grammar.",
    "dockerfile.instruction": "Instructions are those of the Dockerfile reference, without ONBUILD.",
    "dockerfile.too-many": "At most 60 instructions in the stages that are built.",
    "dockerfile.too-long": "One instruction, continuation lines joined, has at most 60,000 bytes.",
    "dockerfile.base": "FROM names one of the lab's bases, `scratch` where the lab allows it, or an earlier stage.",
    "dockerfile.base-variable": "Variables in FROM have a value, by an ARG before the first FROM or a build argument.",
    "dockerfile.platform": "`--platform` is linux/amd64 or one of the builder's own variables.",
    "dockerfile.copy-from": "`COPY --from=` names an earlier stage or one of the lab's bases.",
    "dockerfile.add-url": "ADD takes files of the submission; addresses are not fetched.",
    "dockerfile.add-archive": "ADD does not unpack archives: COPY them, and unpack them with RUN.",
    "dockerfile.flag": "Flags of instructions are those that the lab's builder knows.",
    "dockerfile.mount": "`RUN --mount` of type cache or tmpfs is left out; bind, secret and ssh are not accepted.",
    "dockerfile.heredoc": "RUN may have a here-document for the shell; COPY and ADD may not.",
    "dockerfile.label": "Label names are written out and do not begin with `mde-grade`.",
    "dockerfile.target": "The stage that Compose asks for is in the Dockerfile.",
    "dockerfile.ignore": ".dockerignore has at most 500 patterns of 512 characters, with few wildcards each.",
    "compose.yaml": "The file is one YAML document with plain values, within the caps written below.",
    "compose.type": "Each value has the type that the Compose specification gives it.",
    "compose.unknown-key": "Every key is one of the accepted subset; names that begin with `x-` are free.",
    "compose.variable": "Variables follow Compose's grammar, and those marked as required have a value.",
    "compose.required": "The services that the lab asks for are there.",
    "compose.too-many": "No more services than the lab allows.",
    "compose.service-name": "Service names are lower-case letters, digits and dashes, and not the lab's own.",
    "compose.alias": "Further names of a service are not those of another service.",
    "compose.image": "`image` without `build` names one of the lab's images, or an image that this file builds.",
    "compose.image-override": "The lab's own images keep their command, entrypoint and files.",
    "compose.image-environment": (
        "The lab's own images are not given variables that change how programs are loaded, or where they listen, store"
        " and read."
    ),
    "compose.build": "`build` uses context, dockerfile, dockerfile_inline, target and args only.",
    "compose.build-context": "The build context is a folder of the submission.",
    "compose.env-file": "Files of variables are lines of NAME=value.",
    "compose.environment": "Names of variables are valid, and all of a service's together have at most 64 KiB.",
    "compose.command": "Commands are lists of words, or text with balanced quotes.",
    "compose.user": "`user` is a name or a number, with a group if wanted.",
    "compose.duration": "Durations are written like `10s` or `1m30s`.",
    "compose.signal": "`stop_signal` is a signal's name or number.",
    "compose.target": "Mount targets are plain absolute paths, none twice, and not `/`, `/proc`, `/sys` or `/dev`.",
    "compose.bind": "Folders and sockets of the host are never mounted.",
    "compose.volume": "Volumes are named, local, and without driver options.",
    "compose.volume-shared": "Where one of the lab's images keeps its data, no other service writes.",
    "compose.volume-undeclared": "Each named volume stands under the top-level `volumes`.",
    "compose.network": "Networks are plain bridges that the stack makes itself.",
    "compose.network-undeclared": "Each network that a service names stands under the top-level `networks`.",
    "compose.secret": "Secrets and configs come from a file of the submission, a variable, or text in the file.",
    "compose.files-size": "Secrets and configs have at most 256 KiB each and 1 MiB in all.",
    "compose.depends-on": "`depends_on` names services of the file that are started, with a condition known here.",
    "compose.cycle": "`depends_on` does not go round in a circle.",
    "compose.security-opt": "`security_opt` is `no-new-privileges` or is not there.",
    "compose.privileged": "No service is privileged.",
    "compose.host-namespace": "No service joins the namespaces of the host or of another service.",
    "compose.device": "No service is given devices.",
    "compose.forbidden": "Keys that reach the host, the engine or files elsewhere are not accepted.",
}
"""What each rule asks for, in a sentence, by its stable name."""


def refuse(rule: str, message: str, *, where: str = "", hint: str = "") -> SubmissionRefusedError:
    """The error for a broken rule, to be raised; a name that is not in `RULES` is a mistake of ours.

    Args:
        rule: A key of `RULES`.
        message: What is wrong, in words for the candidate.
        where: `file` or `file:line`.
        hint: What to do instead.
    """
    if rule not in RULES:
        raise KeyError(rule)
    return SubmissionRefusedError(rule, message, where=where, hint=hint)


def shown(text: str, limit: int = 60) -> str:
    """The candidate's text as a message may repeat it: short, on one line, control characters escaped."""
    plain = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[: limit + 1])
    return plain if len(text) <= limit else plain[:limit] + "..."
