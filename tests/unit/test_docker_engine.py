"""The Docker runtime against an engine that does to order what real ones do on bad days."""

from __future__ import annotations

import ipaddress
import json
import queue
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from mde_grader.errors import BuildFailedError, EngineError, EngineUnavailableError, ImageMissingError
from mde_grader.runtimes.base import BuildLimits, BuildSpec, Owner
from mde_grader.runtimes.docker import cache
from mde_grader.runtimes.docker.builds import build
from mde_grader.runtimes.docker.client import Engine, RefusalError, connect_engine
from mde_grader.runtimes.docker.logs import read_log
from mde_grader.runtimes.docker.networks import create_network
from mde_grader.runtimes.docker.runtime import DockerRuntime
from mde_grader.runtimes.docker.sweeping import sweep
from mde_grader.runtimes.docker.watch import End, LayerWatch, Watch
from mde_grader.runtimes.janitor import Here
from tests.unit.fake_daemon import Answer, FakeDaemon, Request

OWNER = Owner("attempt", "boot:1:7:100", "sha256:0", 0)
POOL = ipaddress.IPv4Network("10.9.0.0/24")


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own paths are too long for a socket
        made = FakeDaemon(Path(folder) / "d.sock")
        yield made
        made.close()


@pytest.fixture
def engine(daemon: FakeDaemon) -> Iterator[Engine]:
    made = connect_engine({"DOCKER_HOST": f"unix://{daemon.path}"}, Path("/nowhere"))
    yield made
    made.close()


def stalled(first: bytes, over: threading.Event) -> Iterator[bytes]:
    """One piece, and then nothing for long."""
    yield first
    over.wait(10)


class TestConnecting:
    def test_what_was_tried_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(EngineUnavailableError) as caught:
            connect_engine({"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}, tmp_path)
        assert "no.sock: not there" in caught.value.message
        assert "doctor" in caught.value.hint

    def test_a_socket_where_nobody_listens(self, daemon: FakeDaemon) -> None:
        daemon.close()
        with pytest.raises(EngineUnavailableError, match="nothing listens"):
            connect_engine({"DOCKER_HOST": f"unix://{daemon.path}"}, Path("/nowhere"))

    def test_a_refusal_carries_the_engines_words(self, daemon: FakeDaemon, engine: Engine) -> None:
        daemon.refuse("GET", "/images", 500, "boo")
        with pytest.raises(RefusalError, match="boo") as caught:
            engine.ask("GET", "/images/json")
        assert caught.value.status == 500

    def test_a_connection_that_breaks_is_ours(self, daemon: FakeDaemon, engine: Engine) -> None:
        daemon.on("GET", "/info", lambda _: Answer(drop=True))
        with pytest.raises(EngineError, match="connection to the container engine broke"):
            engine.ask("GET", "/info")

    def test_an_engine_that_does_not_answer_is_ours(self, daemon: FakeDaemon, engine: Engine) -> None:
        wait = threading.Event()
        daemon.on("GET", "/info", lambda _: Answer(pieces=stalled(b"{", wait)))
        with pytest.raises(EngineError):
            engine.ask("GET", "/info", timeout=0.05)
        wait.set()

    @pytest.mark.parametrize(("status", "done"), [(200, True), (204, True), (304, False), (404, False), (409, False)])
    def test_quietly(self, daemon: FakeDaemon, engine: Engine, status: int, done: bool) -> None:
        daemon.on("DELETE", "/x", lambda _: Answer(None if status in {204, 304} else {"message": "m"}, status=status))
        assert engine.quietly("DELETE", "/x") is done

    def test_quietly_tells_what_is_no_race(self, daemon: FakeDaemon, engine: Engine) -> None:
        daemon.refuse("DELETE", "/x", 500, "boo")
        with pytest.raises(EngineError, match="boo"):
            engine.quietly("DELETE", "/x")


class TestNetworks:
    def test_a_range_that_is_taken_is_left_to_its_owner(self, daemon: FakeDaemon, engine: Engine) -> None:
        answers = iter([Answer({"message": "Pool overlaps with other one on this address space"}, status=403)] * 3)
        daemon.on("POST", "/networks/create", lambda _: next(answers, Answer({"Id": "n"}, status=201)))
        assert create_network(engine, "net", {"a": "b"}, POOL) == "n"
        asked = [request.json() for request in daemon.seen if request.path == "/networks/create"]
        assert len(asked) == 4
        assert asked[-1]["Internal"]
        assert asked[-1]["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
        assert ipaddress.IPv4Network(asked[-1]["IPAM"]["Config"][0]["Subnet"]).subnet_of(POOL)

    def test_a_full_pool_says_what_to_do(self, daemon: FakeDaemon, engine: Engine) -> None:
        daemon.refuse("POST", "/networks/create", 403, "Pool overlaps with other one on this address space")
        with pytest.raises(EngineError, match="no free network") as caught:
            create_network(engine, "net", {}, POOL)
        assert "MDE_GRADE_POOL" in caught.value.hint

    def test_any_other_refusal_is_told(self, daemon: FakeDaemon, engine: Engine) -> None:
        daemon.refuse("POST", "/networks/create", 500, "iptables failed")
        with pytest.raises(EngineError, match="iptables failed"):
            create_network(engine, "net", {}, POOL)


class TestBuilds:
    def spec(
        self, folder: Path, text: str = "FROM base\nRUN x\n", *, index: str | None = None, seconds: float = 1
    ) -> BuildSpec:
        limits = BuildLimits(seconds=seconds, log_kb=4)
        return BuildSpec("web", "lab", folder, text, limits=limits, index=index)

    def ready(self, daemon: FakeDaemon, *pieces: object) -> None:
        about = {
            "Id": "sha256:i",
            "Size": 5,
            "RootFS": {"Layers": ["a"]},
            "Config": {"Labels": {"mde-grade.cache": "lab"}},
        }
        daemon.on("GET", "/images/", lambda _: Answer(about))
        daemon.on("POST", "/build", lambda _: Answer(pieces=iter(json.dumps(each).encode() + b"\n" for each in pieces)))

    @pytest.mark.parametrize("message", ["no space left on device", "No such image: sha256:1", "context canceled"])
    def test_an_engine_in_trouble_is_ours(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path, message: str
    ) -> None:
        self.ready(daemon, {"error": message})
        with pytest.raises(EngineError):
            build(engine, self.spec(tmp_path), OWNER)

    def test_a_build_without_an_end_is_the_candidates_only_when_it_says_so(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path
    ) -> None:
        self.ready(daemon, {"error": "The command 'x' returned a non-zero code: 2"})
        with pytest.raises(BuildFailedError, match="exit code 2"):
            build(engine, self.spec(tmp_path), OWNER)

    def test_a_failed_build_shows_what_its_programs_printed(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path
    ) -> None:
        printed = [
            {"stream": "Step 2/2 : RUN pip install requests\n"},
            {"stream": " ---> Running in 0123456789ab\n"},
            {"stream": "ERROR: No matching distribution found for requests\n"},
            {"stream": "Removing intermediate container 0123456789ab\n"},
        ]
        self.ready(daemon, *printed, {"error": "The command 'pip install requests' returned a non-zero code: 1"})
        with pytest.raises(BuildFailedError, match="not there when you are graded: requests") as caught:
            build(engine, self.spec(tmp_path), OWNER)
        assert caught.value.rule == "build.network"
        assert caught.value.said.splitlines() == [
            "Step 2/2 : RUN pip install requests",
            "ERROR: No matching distribution found for requests",
        ]

    def test_a_dockerfile_that_is_refused(self, daemon: FakeDaemon, engine: Engine, tmp_path: Path) -> None:
        self.ready(daemon)
        daemon.refuse("POST", "/build", 400, "dockerfile parse error line 2: unknown instruction: RUM")
        with pytest.raises(BuildFailedError, match="unknown instruction: RUM"):
            build(engine, self.spec(tmp_path), OWNER)

    def test_a_missing_base_is_seen_before_anything_is_sent(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path
    ) -> None:
        with pytest.raises(ImageMissingError, match="base"):
            build(engine, self.spec(tmp_path), OWNER)
        assert daemon.paths("POST") == []

    def test_a_late_build_is_cancelled_and_its_step_removed(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path
    ) -> None:
        self.ready(daemon)
        running = json.dumps({"stream": " ---> Running in 0123456789ab\n"}).encode() + b"\n"
        over = threading.Event()
        daemon.on("POST", "/build", lambda _: Answer(pieces=stalled(running, over)))
        daemon.on("GET", "/containers/", lambda _: Answer({"Config": {"Labels": {"mde-grade.cache": "lab"}}}))
        daemon.on("DELETE", "/containers/", lambda _: Answer(status=204))
        daemon.on("POST", "/containers/", lambda _: Answer({"StatusCode": 137}))
        began = time.monotonic()
        with pytest.raises(BuildFailedError) as caught:
            build(engine, self.spec(tmp_path, seconds=0.4), OWNER)
        over.set()
        assert caught.value.rule == "build.deadline"
        assert time.monotonic() - began < 5
        assert daemon.paths("DELETE") == ["/containers/0123456789ab"]
        assert "/containers/0123456789ab/wait" in daemon.paths("POST")

    def test_an_id_that_a_program_made_up_is_not_touched(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path
    ) -> None:
        flood = [{"stream": " ---> Running in 0123456789ab\n"}, *({"stream": "y\n" * 500} for _ in range(20))]
        self.ready(daemon, *flood)
        daemon.on("GET", "/containers/", lambda _: Answer({"Config": {"Labels": {"mde-grade.cache": "another"}}}))
        with pytest.raises(BuildFailedError) as caught:
            build(engine, self.spec(tmp_path), OWNER)
        assert caught.value.rule == "build.log"
        assert daemon.paths("DELETE") == []

    def test_limits_are_asked_for(self, daemon: FakeDaemon, engine: Engine, tmp_path: Path) -> None:
        self.ready(daemon, {"aux": {"ID": "sha256:i"}})
        daemon.on("GET", "/images/base/history", lambda _: Answer([]))
        daemon.on("GET", "/images/sha256:i/history", lambda _: Answer([{"CreatedBy": "x", "Size": 1, "Created": 2}]))
        daemon.on("POST", "/images/", lambda _: Answer(status=201))
        image = build(engine, self.spec(tmp_path), OWNER)
        assert [layer.created_by for layer in image.history] == ["x"]
        query = next(request.query for request in daemon.seen if request.path == "/build")
        assert query["networkmode"] == "none"
        assert query["memory"] == query["memswap"] == str(1024 << 20)
        assert query["forcerm"] == "1"
        assert {"Name": "fsize", "Soft": 256 << 20, "Hard": 256 << 20} in json.loads(query["ulimits"])
        assert "/images/sha256:i/tag" in daemon.paths("POST")

    @pytest.mark.parametrize("lasting", [True, False])
    def test_only_what_is_to_last_is_kept(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path, lasting: bool
    ) -> None:
        self.ready(daemon, {"aux": {"ID": "sha256:i"}})
        daemon.on("GET", "/images/base/history", lambda _: Answer([]))
        daemon.on("GET", "/images/sha256:i/history", lambda _: Answer([]))
        daemon.on("POST", "/images/", lambda _: Answer(status=201))
        daemon.on("GET", "/images/json", lambda _: Answer([]))
        daemon.on("DELETE", "/images/", lambda _: Answer([]))
        runtime = DockerRuntime(engine, {})
        image = runtime.build(replace(self.spec(tmp_path), lasting=lasting), OWNER)
        assert ("/images/sha256:i/tag" in daemon.paths("POST")) is lasting
        runtime.discard(image)
        assert ("/images/json" in daemon.paths("GET")) is lasting

    def test_an_index_is_started_only_when_a_step_is_not_in_the_cache(
        self, daemon: FakeDaemon, engine: Engine, tmp_path: Path
    ) -> None:
        self.ready(daemon, {"aux": {"ID": "sha256:i"}})
        daemon.on("GET", "/images/base/history", lambda _: Answer([]))
        daemon.on("GET", "/images/sha256:i/history", lambda _: Answer([]))
        daemon.on("POST", "/images/", lambda _: Answer(status=201))
        image = build(engine, self.spec(tmp_path, index="index"), OWNER)
        assert image.index_requests == ()
        assert not any(path.startswith("/containers") for path in daemon.paths("POST"))

    def test_an_image_without_our_label_is_ours(self, daemon: FakeDaemon, engine: Engine, tmp_path: Path) -> None:
        self.ready(daemon, {"aux": {"ID": "sha256:i"}})
        daemon.on("GET", "/images/sha256:i/json", lambda _: Answer({"Id": "sha256:i", "Config": {}}))
        with pytest.raises(EngineError, match="label"):
            build(engine, self.spec(tmp_path), OWNER)


class TestCache:
    @pytest.mark.parametrize(
        ("about", "new"),
        [
            ({"Config": {"Labels": {"mde-grade.cache": "lab"}}}, 1),
            ({"Config": {"Labels": {"mde-grade.cache": "lab"}}, "RepoTags": ["mde-grade/cache-lab:0123456789ab"]}, 0),
            ({"Config": {"Labels": {"mde-grade.cache": "lab"}}, "RepoTags": ["mde-grade/cache-lab:ffffffffffff"]}, 1),
            ({"Config": {"Labels": {"mde-grade.cache": "other"}}}, 0),
        ],
    )
    def test_what_is_kept_already_is_not_tagged_again(
        self, daemon: FakeDaemon, engine: Engine, about: dict[str, object], new: int
    ) -> None:
        daemon.on("GET", "/images/", lambda _: Answer(about))
        daemon.on("POST", "/images/", lambda _: Answer(status=201))
        assert cache.keep(engine, "lab", ["sha256:0123456789ab" + "0" * 52]) == new
        assert len(daemon.paths("POST")) == new

    def test_the_newest_are_kept_and_those_in_use(self, daemon: FakeDaemon, engine: Engine) -> None:
        found = [{"Id": f"sha256:{n:012d}", "Created": n} for n in range(20)]
        daemon.on("GET", "/images/json", lambda _: Answer(found))
        daemon.on("DELETE", "/images/", lambda _: Answer([]))
        assert cache.trim(engine, "lab", newest=16, spare=("sha256:000000000001",)) == 3
        gone = [path.rpartition(":")[2] for path in daemon.paths("DELETE")]
        assert gone == ["000000000003", "000000000002", "000000000000"]

    @pytest.mark.parametrize(
        ("about", "removed"),
        [
            ({"Config": {"Labels": {"mde-grade.cache": "lab"}}}, 1),
            ({"Config": {"Labels": {"mde-grade.cache": "lab"}}, "RepoTags": ["a:b"]}, 0),
            ({"Config": {"Labels": {"mde-grade.cache": "other"}}}, 0),
            ({"Config": {"Labels": None}}, 0),
            ({"Config": None}, 0),
        ],
    )
    def test_only_loose_images_of_the_lab_go(
        self, daemon: FakeDaemon, engine: Engine, about: dict[str, object], removed: int
    ) -> None:
        daemon.on("GET", "/images/", lambda _: Answer({"Id": "sha256:full", **about}))
        daemon.on("DELETE", "/images/", lambda _: Answer([]))
        assert cache.forget(engine, "lab", ["0123456789ab"]) == removed
        assert len(daemon.paths("DELETE")) == removed


class Events:
    """The engine's event stream, fed by a test."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.queue: queue.Queue[bytes] = queue.Queue()
        daemon.on("GET", "/events", lambda _: Answer(pieces=iter(self.queue.get, b"")))

    def tell(self, action: str, container: str, **attributes: str) -> None:
        actor = {"ID": container, "Attributes": attributes}
        self.queue.put(json.dumps({"Action": action, "Actor": actor}).encode() + b"\n")


class TestWatch:
    def test_an_end_is_heard_with_its_code(self, daemon: FakeDaemon, engine: Engine) -> None:
        events, watch = Events(daemon), Watch(engine)
        first, second = watch.expect("a"), watch.expect("b")
        events.tell("die", "stranger", exitCode="1")
        events.tell("oom", "b")
        events.tell("die", "b", exitCode="137")
        assert second.result(5).exit_code == 137
        assert watch.out_of_memory("b", seconds=1)
        assert not watch.out_of_memory("a", seconds=0)
        assert not first.done()
        again = watch.expect("b")
        assert not watch.out_of_memory("b", seconds=0), "an earlier life's news do not count"
        watch.forget("b")
        events.tell("die", "b", exitCode="0")
        events.tell("die", "a", exitCode="junk")
        assert first.result(5).exit_code == -1
        assert not again.done()
        assert len([path for path in daemon.paths("GET") if path == "/events"]) == 1
        events.queue.put(b"")
        watch.close()

    def test_a_stream_that_breaks_is_no_end_of_a_service(self, daemon: FakeDaemon, engine: Engine) -> None:
        events, watch = Events(daemon), Watch(engine)
        future: Future[End] = watch.expect("a")
        events.queue.put(b"")
        with pytest.raises(EngineError, match="events"):
            future.result(5)
        again = watch.expect("a")
        events.tell("die", "a", exitCode="3")
        assert again.result(5).exit_code == 3
        events.queue.put(b"")
        watch.close()

    def test_late_news_of_memory_are_waited_for(self, daemon: FakeDaemon, engine: Engine) -> None:
        events, watch = Events(daemon), Watch(engine)
        watch.expect("a")
        threading.Timer(0.05, lambda: events.tell("oom", "a")).start()
        assert watch.out_of_memory("a", seconds=5)
        events.queue.put(b"")
        watch.close()


class TestLayers:
    def test_who_writes_too_much_is_told_once(self, daemon: FakeDaemon, engine: Engine) -> None:
        sizes = {"light": 1 << 20, "heavy": (1 << 20) + 1}
        daemon.on("GET", "/containers/", lambda request: Answer({"SizeRw": sizes.get(request.path.split("/")[2])}))
        told: queue.Queue[str] = queue.Queue()
        watch = LayerWatch(engine, told.put, pause=0.01)
        for name in ("light", "gone", "heavy"):
            watch.add(name, 1)
        assert told.get(timeout=5) == "heavy"
        time.sleep(0.05)
        assert told.empty()
        watch.close()


class TestSweeping:
    def labels(self, owner: str, expires: str = "99999999999") -> dict[str, object]:
        return {"Labels": {"mde-grade.owner": owner, "mde-grade.expires": expires}}

    def lists(self, daemon: FakeDaemon, containers: list[dict[str, object]], images: list[dict[str, object]]) -> None:
        def listed(request: Request) -> Answer:
            wanted = json.loads(request.query["filters"])["label"][0]
            return Answer([each for each in containers if wanted in json.dumps(each)])

        daemon.on("GET", "/containers/json", listed)
        untagged = {"dangling": ["true"]}
        daemon.on("GET", "/images/json", lambda r: Answer(images if json.loads(r.query["filters"]) == untagged else []))
        daemon.on("GET", "/networks", lambda _: Answer([{"Id": "n", **self.labels("b:1:9:9")}]))
        daemon.on("GET", "/volumes", lambda _: Answer({"Volumes": None}))
        for kind in ("containers", "networks", "images"):
            daemon.on("DELETE", f"/{kind}/", lambda _: Answer(status=204))

    def test_the_dead_go_and_nobody_else(self, daemon: FakeDaemon, engine: Engine) -> None:
        now = int(time.time())
        step = {"Labels": {"mde-grade.cache": "lab"}}
        both = {"Labels": {"mde-grade.cache": "lab", "mde-grade.owner": "b:1:7:100"}}
        self.lists(
            daemon,
            [
                {"Id": "dead", "Created": now, **self.labels("b:1:8:1")},
                {"Id": "alive", "Created": now, **self.labels("b:1:7:100")},
                {"Id": "expired", "Created": now, **self.labels("b:1:7:100", "1")},
                {"Id": "named", "Created": now, **self.labels("other:1:1:1")},
                {"Id": "old-step", "Created": now - 1000, **step},
                {"Id": "new-step", "Created": now, **step},
                {"Id": "old-service", "Created": now - 1000, **both},
            ],
            [
                {"Id": "old-image", "Created": now - 1000, **step},
                {"Id": "new-image", "Created": now, **step},
                {"Id": "old-files", "Created": now, **self.labels("b:1:8:1")},
                {"Id": "new-files", "Created": now, **self.labels("b:1:7:100")},
                {"Id": "somebody's", "Created": now - 1000, "Labels": None},
            ],
        )
        swept = sweep(engine, Here("b", "1", {7: "100"}.get), everything_of="other:1:1:1")
        assert sorted(daemon.paths("DELETE")) == [
            "/containers/dead",
            "/containers/expired",
            "/containers/named",
            "/containers/old-step",
            "/images/old-files",
            "/images/old-image",
            "/networks/n",
        ]
        assert (swept.containers, swept.networks, swept.volumes, swept.images) == (4, 1, 0, 2)

    def test_one_that_resists_does_not_save_the_others(self, daemon: FakeDaemon, engine: Engine) -> None:
        dead = [{"Id": name, "Created": 0, **self.labels("b:1:8:1")} for name in ("stuck", "loose")]
        self.lists(daemon, dead, [])
        daemon.refuse("DELETE", "/containers/stuck", 500, "device or resource busy")
        assert sweep(engine, Here("b", "1", lambda _: None)).containers == 1
        assert "/containers/loose" in daemon.paths("DELETE")

    def test_an_engine_that_does_not_list_is_told(self, daemon: FakeDaemon, engine: Engine) -> None:
        daemon.refuse("GET", "/", 500, "boo")
        with pytest.raises(EngineError, match="boo"):
            sweep(engine, Here("b", "1", lambda _: None))


def test_a_log_is_taken_apart_and_capped(daemon: FakeDaemon, engine: Engine) -> None:
    frames = b"".join(b"\x01\0\0\0" + len(line).to_bytes(4, "big") + line for line in (b"one\n", b"", b"two\n" * 100))
    daemon.on("GET", "/containers/", lambda _: Answer(pieces=iter([frames[:3], frames[3:100], frames[100:]])))
    assert read_log(engine, "c", limit=10_000) == "one\n" + "two\n" * 100
    assert "bytes left out" in read_log(engine, "c", limit=20)
    daemon.refuse("GET", "/containers/", 404, "No such container")
    assert read_log(engine, "c", limit=20) == ""
