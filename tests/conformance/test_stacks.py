"""What every runtime's stacks do."""

from __future__ import annotations

import base64
import ipaddress
import threading
import time
from concurrent.futures import Future

import pytest

from mde_grader.errors import BuildFailedError, EngineError, StartFailedError
from mde_grader.runtimes.base import BuiltImage, Limits, Stack
from mde_grader.runtimes.inspector.session import SessionError
from tests.conformance.kits import Bench


def get(stack: Stack, url: str) -> str:
    return base64.b64decode(stack.session.call("http", url=url)["body"]).decode()


@pytest.mark.parametrize("network", [True, False])
def test_a_service_is_up_and_seen_from_outside(bench: Bench, network: bool) -> None:
    stack = bench.up(bench.service("web"), network=network)
    assert list(stack) == ["web"]
    assert get(stack, "http://web:8080/") == "ok\n"
    assert get(stack, f"http://{stack['web'].address}:8080/") == "ok\n"
    assert stack.session.call("hello")["version"]
    stack.close()
    assert bench.left() == 0
    stack.close()


def test_the_run_profile_is_in_force(bench: Bench) -> None:
    limits = Limits(memory_mb=96, cpus=0.5, pids=77, nofile=512, file_mb=8)
    state = bench.up(bench.service("web", limits=limits))["web"].state()
    assert state.running
    assert state.exit_code is None
    assert state.read_only
    assert state.user == "1000:1000"
    assert state.capabilities == ()
    expected = {"memory_mb": 96, "memory_swap_mb": 96, "cpus": 0.5, "pids": 77, "nofile": 512, "file_mb": 8}
    assert {key: state.limits[key] for key in expected} == expected
    assert state.limits["no_new_privileges"]
    assert not state.limits["privileged"]


def test_services_start_in_the_order_of_what_they_require(bench: Bench) -> None:
    app = bench.service("web", "app", requires=("db",))
    stack = bench.up(app, bench.service("web", "db"))
    assert list(stack) == ["db", "app"]
    assert get(stack, "http://app:8080/") == get(stack, "http://db:8080/") == "ok\n"


@pytest.mark.parametrize("late", [0, 1])
def test_a_service_waits_for_its_image_alone(bench: Bench, late: int) -> None:
    image = bench.build("FROM BASE\nUSER 1000\n")
    images: Future[dict[str, BuiltImage]] = Future()
    timer = threading.Timer(late * bench.kit.moment, images.set_result, [{"app": image}])
    timer.start()
    stack = bench.up(bench.service("web", "app", image="", ready=""), bench.service("web", "db"), images=images)
    assert [spec.image for spec in stack.spec.services if spec.name == "app"] == [image.id]
    assert stack["app"].spec.image == image.id
    stack["app"].stop()
    stack.restore()
    assert stack["app"].state().running


def test_what_a_build_raises_ends_the_start(bench: Bench) -> None:
    images: Future[dict[str, BuiltImage]] = Future()
    threading.Timer(bench.kit.moment, images.set_exception, [BuildFailedError("build.failed", "a step failed")]).start()
    with pytest.raises(BuildFailedError):
        bench.up(bench.service("web", "app", image=""), bench.service("web", "db"), images=images)
    assert bench.left() == 0


@pytest.mark.parametrize("requires", [("web",), ("nobody",)])
def test_an_order_that_cannot_be_is_refused(bench: Bench, requires: tuple[str, ...]) -> None:
    with pytest.raises(StartFailedError) as caught:
        bench.up(bench.service("web", requires=requires))
    assert caught.value.rule == "start.requires"


def test_an_unknown_service_is_named_with_those_there_are(bench: Bench) -> None:
    stack = bench.up(bench.service("web"))
    with pytest.raises(KeyError, match="nobody; there are web"):
        stack["nobody"]


def test_a_service_that_ends_is_told_at_once(bench: Bench) -> None:
    began = time.monotonic()
    with pytest.raises(StartFailedError) as caught:
        bench.up(bench.service("crash", ready_seconds=60))
    assert caught.value.rule == "start.exited"
    assert "exit code 3" in caught.value.message
    assert "cannot find my settings" in caught.value.said
    assert time.monotonic() - began < 15
    assert bench.left() == 0


def test_a_service_that_does_not_listen_is_not_ready(bench: Bench) -> None:
    with pytest.raises(StartFailedError) as caught:
        bench.up(bench.service("mute", ready="http://web:8080/", ready_seconds=1))
    assert caught.value.rule == "start.not-ready"
    assert "connection refused" in caught.value.message
    assert bench.left() == 0


def test_the_labs_own_service_is_never_the_candidates_fault(bench: Bench) -> None:
    with pytest.raises(EngineError, match="lab's own"):
        bench.up(bench.service("mute", ready="http://web:8080/", ready_seconds=1, candidate=False))


def test_a_service_that_needs_too_much_memory_is_told_so(bench: Bench) -> None:
    spec = bench.service("greedy", ready="http://web:8080/", limits=Limits(memory_mb=64))
    with pytest.raises(StartFailedError) as caught:
        bench.up(spec)
    assert caught.value.rule == "start.oom"


def test_one_failure_ends_the_wait_for_the_others(bench: Bench) -> None:
    slow = bench.service("mute", "slow", ready="http://slow:8080/", ready_seconds=60)
    began = time.monotonic()
    with pytest.raises(StartFailedError, match="web"):
        bench.up(bench.service("crash"), slow)
    assert time.monotonic() - began < 15


def test_a_polite_service_ends_on_its_signal(bench: Bench) -> None:
    service = bench.up(bench.service("polite"))["web"]
    stopped = service.stop()
    assert (stopped.exit_code, stopped.killed) == (0, False)
    assert stopped.seconds < 5
    assert not service.state().running
    assert service.state().exit_code == 0


def test_a_stubborn_service_is_killed_after_its_grace(bench: Bench) -> None:
    stopped = bench.up(bench.service("stubborn"))["web"].stop(seconds=1)
    assert stopped.killed
    assert stopped.exit_code == 137
    assert 1 <= stopped.seconds < 5


def test_a_service_that_ended_can_be_stopped_again(bench: Bench) -> None:
    service = bench.up(bench.service("polite"))["web"]
    service.stop()
    again = service.stop()
    assert (again.exit_code, again.killed) == (0, False)


def test_a_killed_service_starts_again_in_its_container(bench: Bench) -> None:
    stack = bench.up(bench.service("web"))
    service = stack["web"]
    before = service.container_id
    service.kill()
    assert not service.state().running
    with pytest.raises(StartFailedError):
        stack.wait_ready("web", seconds=1)
    service.start()
    stack.wait_ready("web")
    assert service.container_id == before
    assert service.state().restarts == 1
    assert get(stack, "http://web:8080/") == "ok\n"


def test_a_recreate_keeps_volumes_and_nothing_else(bench: Bench) -> None:
    stack = bench.up(bench.service("diary"))
    service = stack["web"]
    before = service.container_id
    assert get(stack, "http://web:8080/") == "started\n"
    service.recreate(environment={"A": "1"})
    stack.wait_ready()
    assert service.container_id != before
    assert service.spec.environment == {"A": "1"}
    assert service.state().restarts == 0
    assert get(stack, "http://web:8080/") == "started\nstarted\n"


def test_replicas_share_the_name(bench: Bench) -> None:
    stack = bench.up(bench.service("web"))
    replica = stack.replica("web")
    assert replica.name == "web-2"
    stack.wait_ready()
    addresses = stack.session.call("dns", name="web")["addresses"]
    assert set(addresses) == {stack["web"].address, replica.address}
    assert get(stack, f"http://{replica.address}:8080/") == "ok\n"
    stack.remove(replica)
    assert stack.session.call("dns", name="web")["addresses"] == [stack["web"].address]
    with pytest.raises(KeyError):
        stack.remove(replica)
    with pytest.raises(KeyError):
        stack.remove(stack["web"])


def test_restore_mends_what_checks_did(bench: Bench) -> None:
    original = bench.service("web")
    stack = bench.up(original, bench.service("web", "other"))
    stack.replica("web")
    stack["web"].recreate(environment={"BROKEN": "1"})
    stack["other"].kill()
    stack.restore()
    assert stack["web"].spec == original
    assert get(stack, "http://web:8080/") == get(stack, "http://other:8080/") == "ok\n"
    assert stack.session.call("dns", name="web")["addresses"] == [stack["web"].address]


def test_restore_costs_nothing_when_all_is_well(bench: Bench) -> None:
    stack = bench.up(bench.service("web"))
    before = stack["web"].container_id
    began = time.monotonic()
    stack.restore()
    assert time.monotonic() - began < 0.05
    assert stack["web"].container_id == before


def test_there_is_no_way_out(bench: Bench) -> None:
    stack = bench.up(bench.service("web"))
    gateway = next(ipaddress.ip_network(f"{stack['web'].address}/28", strict=False).hosts())
    for host in ("1.1.1.1", str(gateway)):
        with pytest.raises(SessionError):
            stack.session.call("tcp", host=host, port=22, seconds=1)
    with pytest.raises(SessionError):
        stack.session.call("dns", name="example.org", seconds=3)


def test_logs_are_told_and_capped(bench: Bench) -> None:
    service = bench.up(bench.service("talker"))["web"]
    text = service.logs()
    assert "line 0\n" in text or text.endswith("line 4999\n")
    assert text.rstrip().endswith("line 4999")
    assert len(service.logs(limit=1000)) < 1100


def test_files_come_out_through_the_engine(bench: Bench) -> None:
    files = {"/run/secrets/key": b"hush", "/etc/app/settings": b"a=1\n"}
    service = bench.up(bench.service("web", files=files))["web"]
    assert service.read("/run/secrets/key") == b"hush"
    assert service.read("/etc/app/settings") == b"a=1\n"
    assert service.read("/etc/passwd").startswith(b"root:")
    with pytest.raises(FileNotFoundError):
        service.read("/no/such/file")
    with pytest.raises(ValueError, match="regular file"):
        service.read("/etc")
    with pytest.raises(ValueError, match="more than the 2"):
        service.read("/run/secrets/key", limit=2)
