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


@pytest.fixture(scope="session")
def words(variant: Mapping[str, str | int]) -> Mapping[str, str]:
    """The variant's names and numbers, as text."""
    return {name: str(value) for name, value in variant.items()}


@pytest.fixture(scope="session")
def desk(words: Mapping[str, str]) -> str:
    """Address of the desk, as its clients on the network know it."""
    return f"http://{words['web']}:{words['port']}"


@pytest.fixture
def take(probe: Probe, desk: str, words: Mapping[str, str]) -> Take:
    """Hands a parcel in at the desk (or takes a loan out) and returns what the desk says of it."""

    def post(at: str = desk, *, measure: int = int(words["some"]), seconds: float = 15) -> dict[str, object]:
        wanted = {words["person"]: f"Ada {secrets.token_hex(4)}", words["measure"]: measure}
        for attempt in eventually(seconds=seconds, interval=0.25):
            with attempt:
                _ask_whether_ready(probe, at)
                answer = probe.post(f"{at}/{words['items']}", json=wanted, seconds=5)
                expect(
                    answer.status == 201,
                    expected=f"POST /{words['items']} is answered with 201 and the {words['item']} as JSON",
                    seen=f"status {answer.status}",
                    look=f"docker compose logs {words['web']}",
                    said=answer.text,
                )
        item = fields(answer)
        expect(
            number(answer) is not None and all(item.get(name) == value for name, value in wanted.items()),
            expected=f"JSON with a whole-number id and {wanted}",
            seen=answer.text[:300],
            look=f"docker compose logs {words['web']}",
        )
        return item

    return post


def _ask_whether_ready(probe: Probe, at: str) -> None:
    """Do as a platform does before it sends anybody: some make their tables when they are asked."""
    with contextlib.suppress(AssertionError):
        probe.get(f"{at}/readyz", seconds=5)


@pytest.fixture
def own(submission: Submission, words: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the services that the submission builds; the database's image is the lab's."""
    built = tuple(service.name for service in submission.plan.services if service.image.startswith("build:"))
    _insist_on(words["web"], built)
    return built


def _insist_on(web: str, built: Collection[str]) -> None:
    """Nothing is proven by a submission that builds nothing."""
    expect(
        web in built,
        expected=f"the service {web} is built from a Dockerfile of yours",
        seen=f"what is built: {', '.join(built) or 'nothing'}",
        look=f"docker compose config {web}",
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
def distinct(images: Mapping[str, BuiltImage], words: Mapping[str, str]) -> dict[str, BuiltImage]:
    """The built images, each once, by the first service that runs it."""
    found: dict[str, BuiltImage] = {}
    for name, image in images.items():
        if image.id not in {other.id for other in found.values()}:
            found[name] = image
    _insist_on(words["web"], images)
    return found
