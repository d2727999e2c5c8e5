"""`actions/checkout`: the pushed commit, or what `ref` names, in the job's folder; https://github.com/actions/checkout#usage."""

from __future__ import annotations

import os
import re
import subprocess

from .inputs import PIPELINE, StepError, flag, give, number, text, workspace

UNSUPPORTED = ("lfs", "submodules")
ALONE = ("sparse-checkout", "filter", "ssh-key")


def main() -> None:
    """Check out.

    Raises:
        StepError: What is asked for is not here.
    """
    for name in ALONE:
        if text(name):
            raise StepError(f"checkout: the input {name} is not supported here")
    if any(text(name, "false") != "false" for name in UNSUPPORTED):
        raise StepError(f"checkout: {' and '.join(UNSUPPORTED)} are not supported here")
    own = os.environ["GITHUB_REPOSITORY"]
    if text("repository", own) != own:
        raise StepError(f"checkout: only this repository is here, not {text('repository')}")
    place = (workspace() / text("path", ".")).resolve()
    if not place.is_relative_to(workspace().resolve()):
        raise StepError("checkout: the path leads out of the workspace")
    place.mkdir(parents=True, exist_ok=True)
    _fetch(place.as_posix())
    sha = _git(place.as_posix(), "rev-parse", "HEAD")
    give(commit=sha, ref=text("ref", os.environ["GITHUB_REF"]))
    print(f"HEAD is {_git(place.as_posix(), 'log', '-1', '--format=%h %s')}", flush=True)


def _fetch(place: str) -> None:
    source = PIPELINE / "repository"
    address = subprocess.check_output(["git", "-C", str(source), "remote", "get-url", "origin"], text=True).strip()
    if not _git(place, "rev-parse", "--git-dir", check=False):
        _git(place, "init", "--quiet", "--initial-branch", "main")
    elif flag("clean", default=True):
        _git(place, "reset", "--hard", "--quiet", check=False)
        _git(place, "clean", "-ffdxq")
    _git(place, "remote", "remove", "origin", check=False)
    _git(place, "remote", "add", "origin", address)
    depth = number("fetch-depth", 1)
    wanted, local = _wanted(source.as_posix())
    tags = flag("fetch-tags", default=False) or depth == 0
    refs = ["+refs/remotes/origin/*:refs/remotes/origin/*"] if depth == 0 else []
    refs += ["+refs/tags/*:refs/tags/*"] if tags else []
    shallow = _git(place, "rev-parse", "--is-shallow-repository") == "true"
    limit = [f"--depth={depth}"] if depth else ["--unshallow"] * shallow
    # upload-pack gives any commit to who owns the repository, so that a SHA can be asked for by itself.
    pack = "git -c uploadpack.allowAnySHA1InWant=true -c safe.directory=* upload-pack"
    _git(place, "fetch", "--quiet", "--no-tags", "--upload-pack", pack, *limit, f"file://{source}", wanted, *refs)
    if local.startswith("refs/remotes/origin/"):
        _git(place, "update-ref", local, wanted)
        branch = local.removeprefix("refs/remotes/origin/")
        _git(place, "checkout", "--quiet", "--force", "-B", branch, local)
        _git(place, "branch", "--quiet", f"--set-upstream-to=origin/{branch}", check=False)
    elif local:
        _git(place, "update-ref", local, wanted)
        _git(place, "checkout", "--quiet", "--force", "--detach", local)
    else:
        _git(place, "checkout", "--quiet", "--force", "--detach", wanted)


def _wanted(source: str) -> tuple[str, str]:
    """SHA to fetch, and the local ref that it gets: of the event, or of the input `ref`.

    Raises:
        StepError: There is nothing of that name.
    """
    asked = text("ref")
    event = os.environ["GITHUB_REF"]
    if asked in {"", event, event.removeprefix("refs/heads/").removeprefix("refs/tags/"), os.environ["GITHUB_SHA"]}:
        sha, asked = os.environ["GITHUB_SHA"], "" if asked == os.environ["GITHUB_SHA"] else event
        return sha, _local(asked)
    if re.fullmatch(r"[0-9a-f]{40}", asked):
        return asked, ""
    short = asked.removeprefix("refs/heads/").removeprefix("refs/tags/")
    for kind, here in ((f"refs/remotes/origin/{short}", f"refs/heads/{short}"), (f"refs/tags/{short}",) * 2):
        sha = _git(source, "rev-parse", "--quiet", "--verify", f"{kind}^{{commit}}", check=False)
        if sha:
            return sha, _local(here)
    raise StepError(f"checkout: there is no branch, tag or full SHA {asked!r}")


def _local(ref: str) -> str:
    return ref.replace("refs/heads/", "refs/remotes/origin/", 1) if ref.startswith("refs/heads/") else ref


def _git(place: str, *words: str, check: bool = True) -> str:
    command = ["git", "-C", place, "-c", "safe.directory=*", "-c", "advice.detachedHead=false", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode and check:
        raise StepError(f"checkout: git {words[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.strip() if done.returncode == 0 else ""
