"""What is in the images, and how they are built."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from graders.containers.contents import LOOK_FOR, disguises, needless
from graders.containers.contexts import files_with, plant, planted_seen, touch_sources
from graders.containers.history import (
    fetched,
    grown,
    installed,
    installs_again,
    largest,
    needles_told,
    secret_settings,
)
from graders.containers.references import why_floating
from mde_grader.checking import expect, fail, requirement
from mde_grader.checking.context import Change, Search, Submission
from mde_grader.runtimes.base import BuiltImage, Stack

DEPENDENCIES = (
    *("bottle", "flask", "gunicorn", "pg8000", "psycopg", "psycopg-binary", "psycopg2-binary", "uvicorn", "waitress"),
    "werkzeug",
)
PRIVATE = {".env": 200_000, ".git/objects/pack/pack-1.pack": 400_000, "secrets/database.txt": 800_000}

Rebuild = Callable[[str, Change], BuiltImage]
Words = Mapping[str, str]


@requirement("no-secrets")
def test_history_and_settings(distinct: dict[str, BuiltImage], given: Mapping[str, str], words: Words) -> None:
    """No step of the build and no setting of the image tells a secret."""
    for name, image in distinct.items():
        passwords = (given["DB_PASSWORD"], words["old_password"])
        told = [f"a password in {where}" for _, where in needles_told(image, passwords)]
        told += [f"ENV {variable}=..." for variable in secret_settings(image.history)]
        expect(
            not told,
            expected="secrets reach the container when it starts, never the image",
            seen=f"{name}: {'; '.join(told)}",
            look=f"docker history --no-trunc $(docker compose images -q {name})",
        )


@requirement("no-secrets")
def test_layers(distinct: dict[str, BuiltImage], submission: Submission, search_image: Search, words: Words) -> None:
    """The legacy password is in no layer, not even in one whose file a later step removed, and in no disguise."""
    forms = disguises(words["old_password"])
    held = any(files_with(submission.root, form) for form in forms.values())
    for name, image in distinct.items() if held else ():
        hits = search_image(image, {what: form.encode() for what, form in forms.items()})
        expect(
            not hits,
            expected=f"no layer holds the password of {words['package']}.ini",
            seen=f"{name}: " + "; ".join(f"{hit.path} ({hit.needle})" for hit in hits[:3]),
            look=f"docker save $(docker compose images -q {name}) | tar -xO --wildcards '*.tar' | grep -ac "
            f"{words['old_password'][:4]}",
        )


@requirement("clean-context")
def test_private_files(distinct: dict[str, BuiltImage], rebuild: Rebuild, words: Words) -> None:
    """A .env, a .git and a folder of secrets beside the Dockerfile do not get into the image."""
    for name, image in distinct.items():
        rebuilt = rebuild(name, lambda folder: plant(folder, PRIVATE))
        size, step = grown(image.history, rebuilt.history)
        seen = planted_seen(size, PRIVATE)
        expect(
            not seen,
            expected="what lies beside the Dockerfile and is not the application stays out of every layer",
            seen=f"{name}: {', '.join(seen)} got in, by the step `{step}`",
            look="echo canary > .env; docker compose build; "
            f"docker compose run --rm --entrypoint ls {words['web']} -la .",
        )


@requirement("cached-dependencies")
def test_code_changes(distinct: dict[str, BuiltImage], rebuild: Rebuild, words: Words) -> None:
    """A changed line of code is built without asking for, or installing, the dependencies again."""
    token = secrets.token_hex(8)
    sources = ("web.py", "worker.py", f"{words['tariff']}.py", f"{words['label']}.py")
    for name, image in distinct.items():
        rebuilt = rebuild(name, lambda folder: _touch(folder, sources, token))
        again = fetched(rebuilt.index_requests)
        again = again or installed(rebuilt.log, DEPENDENCIES)
        step = installs_again(image.history, rebuilt.history)
        expect(
            not again and not step,
            expected="after a change to the code, the steps that install dependencies come from the cache",
            seen=f"{name}: {f'ran again: `{step}`' if step else 'installed again: ' + ', '.join(again)}",
            look=f"docker compose build; echo '# x' >> {words['package']}/web.py; "
            "docker compose build (look for CACHED)",
        )


def _touch(folder: Path, sources: tuple[str, ...], token: str) -> None:
    if not touch_sources(folder, sources, token):
        fail(expected="Python source in the submission", seen="no .py file to change", look="ls -R")


@requirement("size-budget")
def test_size(distinct: dict[str, BuiltImage], words: Words) -> None:
    """What the image adds to its base is within the budget."""
    for name, image in distinct.items():
        expect(
            image.added <= int(words["budget"]) * 1_000_000,
            expected=f"at most {words['budget']} MB above the base image",
            seen=f"{name}: {image.added / 1e6:.0f} MB",
            look=f"docker history $(docker compose images -q {name})",
            said=largest(image.history),
        )


@requirement("pinned-base")
def test_references(submission: Submission) -> None:
    """Every image that is named, in FROM, COPY --from and compose.yaml, says which release it is."""
    named = {base for build in submission.plan.builds.values() for base in build.written}
    services = submission.plan.compose.get("services")
    for planned in submission.plan.services:
        service = services.get(planned.name) if isinstance(services, dict) else None
        if isinstance(service, dict) and not planned.image.startswith("build:"):
            named.add(str(service.get("image", "")))
    floating = {name: why_floating(name) for name in sorted(named) if why_floating(name)}
    expect(
        not floating,
        expected="a release or a digest in every image name",
        seen="; ".join(f"{name}: {why}" for name, why in floating.items()),
        look="grep -n FROM Dockerfile; grep -n image: compose.yaml",
    )


@requirement("lean-image")
def test_nothing_needless(stack: Stack, images: Mapping[str, BuiltImage]) -> None:
    """No test tools, compilers, editors, package lists or installer's caches are in the running container."""
    running = {images[name].id: name for name in images if stack[name].state().running}
    for name in running.values():
        found = stack.session.call(
            "find",
            service=stack[name].container_id,
            path="/",
            names=list(LOOK_FOR),
            depth=32,
            limit=500,
            seconds=10,
        )
        extra = needless(found["paths"])
        expect(
            extra or not found["truncated"],
            expected="an image that can be looked through in 10 seconds",
            seen=f"{name}: more than 500 files have such names, or there are far too many files",
            look=f"docker compose exec {name} find / -xdev | wc -l",
        )
        expect(
            not extra,
            expected="only what the application needs to run",
            seen=f"{name}: " + "; ".join(f"{path} ({what})" for path, what in sorted(extra.items())[:5]),
            look=f"docker compose exec {name} ls -d " + " ".join(sorted(extra)[:2]),
        )
