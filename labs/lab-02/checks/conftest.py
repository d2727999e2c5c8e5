"""What the checks of lab-02 share."""

import contextlib
import secrets
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from graders.containers.answers import fields, number
from mde_grader.checking import eventually, expect
from mde_grader.checking.context import Submission
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import BuiltImage, Service, Stack

Take = Callable[..., dict[str, object]]


@pytest.fixture
def take(probe: Probe) -> Take:
    """Hands a parcel in at the desk and returns what the desk says of it."""

    def post(at: str = "http://web:8080", *, weight: int = 750, seconds: float = 15) -> dict[str, object]:
        wanted = {"recipient": f"Ada {secrets.token_hex(4)}", "weight_grams": weight}
        for attempt in eventually(seconds=seconds, interval=0.25):
            with attempt:
                _ask_whether_ready(probe, at)
                answer = probe.post(f"{at}/parcels", json=wanted, seconds=5)
                expect(
                    answer.status == 201,
                    expected="POST /parcels is answered with 201 and the parcel as JSON",
                    seen=f"status {answer.status}",
                    look="docker compose logs web",
                    said=answer.text,
                )
        parcel = fields(answer)
        expect(
            number(answer) is not None and all(parcel.get(name) == value for name, value in wanted.items()),
            expected=f"JSON with a whole-number id and {wanted}",
            seen=answer.text[:300],
            look="docker compose logs web",
        )
        return parcel

    return post


def _ask_whether_ready(probe: Probe, at: str) -> None:
    """Do as a platform does before it sends anybody: some make their tables when they are asked."""
    with contextlib.suppress(AssertionError):
        probe.get(f"{at}/readyz", seconds=5)


@pytest.fixture
def own(submission: Submission) -> tuple[str, ...]:
    """Names of the services that the submission builds; the database's image is the lab's."""
    built = tuple(service.name for service in submission.plan.services if service.image.startswith("build:"))
    _insist_on_web(built)
    return built


def _insist_on_web(built: Collection[str]) -> None:
    """Nothing is proven by a submission that builds nothing."""
    expect(
        "web" in built,
        expected="the service web is built from a Dockerfile of yours",
        seen=f"what is built: {', '.join(built) or 'nothing'}",
        look="docker compose config web",
    )


@pytest.fixture
def restart(stack: Stack, own: tuple[str, ...]) -> Callable[..., None]:
    """Replaces the named services, and all that the submission builds.

    All of them are dead before the first comes back: what one remembers it cannot hand on to another.
    """

    def replace(*first: str) -> None:
        _all_at_once(stack, (*first, *own), lambda service: service.kill() if service.state().running else None)
        for names in (first, own) if first else (own,):
            _all_at_once(stack, names, lambda service: service.recreate())
            stack.wait_ready(*names)

    return replace


def _all_at_once(stack: Stack, names: Collection[str], step: Callable[[Service], None]) -> None:
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: step(stack[name]), names))


@pytest.fixture
def distinct(images: Mapping[str, BuiltImage]) -> dict[str, BuiltImage]:
    """The built images, each once, by the first service that runs it."""
    found: dict[str, BuiltImage] = {}
    for name, image in images.items():
        if image.id not in {other.id for other in found.values()}:
            found[name] = image
    _insist_on_web(images)
    return found
