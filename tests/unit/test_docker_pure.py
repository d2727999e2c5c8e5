"""The parts of the Docker runtime that need no engine: Dockerfiles, users, profiles, names, volumes, networks."""

from __future__ import annotations

import ipaddress
import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mde_grader.errors import StartFailedError, UsageError
from mde_grader.runtimes.base import Limits, Mount, ServiceSpec
from mde_grader.runtimes.docker.dockerfiles import base_of, images, labelled, runs, stages
from mde_grader.runtimes.docker.endpoints import endpoints
from mde_grader.runtimes.docker.indexes import asked_paths
from mde_grader.runtimes.docker.names import cache_repository, slug, unique
from mde_grader.runtimes.docker.networks import pick, pool
from mde_grader.runtimes.docker.profile import effective, index_config, service_config, side_config, tmpfs_options
from mde_grader.runtimes.docker.stacks import start_order
from mde_grader.runtimes.docker.users import is_root_name, is_root_number, named_user
from mde_grader.runtimes.docker.volumes import declared, wanted

STAGED = """
# syntax comment
FROM --platform=linux/amd64 mde/py AS Build
RUN pip install \\
    # a comment inside
    x
FROM build AS test
FROM mde/slim
COPY --from=build /x /x
"""


class TestDockerfiles:
    def test_stages(self) -> None:
        assert [(stage.base, stage.name) for stage in stages(STAGED)] == [
            ("mde/py", "build"),
            ("build", "test"),
            ("mde/slim", ""),
        ]

    @pytest.mark.parametrize(
        ("target", "base"),
        [
            (None, "mde/slim"),
            ("test", "mde/py"),
            ("BUILD", "mde/py"),
            ("1", "mde/py"),
            ("2", "mde/slim"),
            ("9", "mde/slim"),
        ],
    )
    def test_the_base_under_a_target(self, target: str | None, base: str) -> None:
        assert base_of(STAGED, target) == base

    def test_no_stage_stands_on_scratch(self) -> None:
        assert base_of("", None) == "scratch"
        assert base_of("FROM scratch\n", None) == "scratch"

    def test_a_stage_may_carry_its_bases_name(self) -> None:
        text = "FROM python AS python\nFROM python\n"
        assert base_of(text, None) == "python"
        assert images(text) == ["python"]

    def test_images_leave_stages_and_scratch_out(self) -> None:
        assert images(STAGED + "FROM scratch\nFROM mde/py\nFROM 0\n") == ["mde/py", "mde/slim"]

    @pytest.mark.parametrize(
        ("text", "found"),
        [("FROM a\nRUN x", True), ("FROM a\nrun x", True), ("FROM a\nCOPY RUN /", False), ("FROM a\n# RUN x", False)],
    )
    def test_runs(self, text: str, found: bool) -> None:
        assert runs(text) is found

    def test_every_stage_is_labelled_once(self) -> None:
        text = labelled("FROM a \\\n  AS b\nRUN x\nfrom b\n# FROM c\n", "mde-grade.cache", "lab")
        assert text.splitlines() == [
            "FROM a \\",
            "  AS b",
            'LABEL "mde-grade.cache"="lab"',
            "RUN x",
            "from b",
            'LABEL "mde-grade.cache"="lab"',
            "# FROM c",
        ]
        assert labelled(text, "mde-grade.cache", "lab") == text


class TestUsers:
    @pytest.mark.parametrize("user", ["", "root", "0", "00", "-0", "+0", "0:1000", "root:app", "-5", " 0 "])
    def test_root(self, user: str) -> None:
        assert named_user(user) is None
        assert is_root_number(user)

    @pytest.mark.parametrize("user", ["1", "1000", "1000:0", "+7", "65534:root"])
    def test_not_root(self, user: str) -> None:
        assert named_user(user) is None
        assert not is_root_number(user)

    @pytest.mark.parametrize("user", ["app", "app:app", "\uff11\uff12", "1_000", "0x10", "Root", "1000a"])
    def test_names_are_looked_up(self, user: str) -> None:
        assert named_user(user) == user.partition(":")[0]

    @pytest.mark.parametrize(
        ("passwd", "root"),
        [
            (b"app:x:1000:1000::/:/bin/sh\n", False),
            (b"root:x:0:0::/:\napp:x:7:0::/:\n", False),
            (b"app:x:0:0::/:\n", True),
            (b"app:x:1000:0::/:\napp:x:0:0::/:\n", True),
            (b"app:x:abc:0::/:\n", True),
            (b"app:x:-1:0::/:\n", True),
            (b"app\n", True),
            (b"other:x:1000:0::/:\n", True),
            (b"\xff\xfe", True),
            (b"", True),
            (None, True),
        ],
    )
    def test_a_name_is_root_unless_the_file_says_otherwise(self, passwd: bytes | None, root: bool) -> None:
        assert is_root_name("app", passwd) is root


def configured(spec: ServiceSpec, *, network: str | None = "net", share_pid: bool = True) -> Mapping[str, object]:
    return service_config(
        spec, image=spec.image, user=spec.user or "", labels={"a": "b"}, side="side", network=network,
        share_pid=share_pid, volumes={mount.target: f"mde-{mount.volume}" for mount in spec.mounts},
    )  # fmt: skip


class TestProfile:
    @pytest.mark.parametrize("share_pid", [True, False])
    @pytest.mark.parametrize("network", ["net", None])
    def test_every_flag_is_there(self, network: str | None, share_pid: bool) -> None:
        body = dict(configured(ServiceSpec("web", "img", user="1000"), network=network, share_pid=share_pid))
        host = body["HostConfig"]
        assert isinstance(host, dict)
        assert host["CapDrop"] == ["ALL"]
        assert host["CapAdd"] == []
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["ReadonlyRootfs"] is True
        assert host["Memory"] == host["MemorySwap"] == 256 << 20
        assert host["PidsLimit"] == 128
        assert {entry["Name"]: entry["Hard"] for entry in host["Ulimits"]} == {
            "fsize": 64 << 20,
            "nofile": 1024,
            "core": 0,
        }
        assert host["LogConfig"]["Type"] == "local"
        assert host["RestartPolicy"] == {"Name": "no"}
        assert host["IpcMode"] == "private"
        assert body["Healthcheck"] == {"Test": ["NONE"]}
        assert not host.keys() & {"Binds", "Privileged", "PortBindings", "Devices", "VolumesFrom"}
        assert ("PidMode" in host) is share_pid
        assert host.get("Init", False) is not share_pid
        assert host["NetworkMode"] == (network or "container:side")

    def test_names_on_the_network(self) -> None:
        body = configured(ServiceSpec("web", "img", aliases=("www", "web")))
        assert body["NetworkingConfig"] == {"EndpointsConfig": {"net": {"Aliases": ["web", "www"]}}}
        assert body["Hostname"] == "web"
        assert "Hostname" not in configured(ServiceSpec("web", "img"), network=None)

    def test_only_what_the_spec_says_overrides_the_image(self) -> None:
        assert not configured(ServiceSpec("web", "img")).keys() & {
            "Cmd",
            "Entrypoint",
            "User",
            "WorkingDir",
            "StopSignal",
        }
        spec = ServiceSpec("web", "img", command=(), entrypoint=("a",), user="", working_dir="/", stop_signal="SIGINT")
        body = configured(spec)
        found = {key: body[key] for key in ("Cmd", "Entrypoint", "User", "WorkingDir", "StopSignal")}
        assert found == {"Cmd": [], "Entrypoint": ["a"], "User": "", "WorkingDir": "/", "StopSignal": "SIGINT"}

    def test_volumes_are_mounted_by_our_names(self) -> None:
        spec = ServiceSpec("web", "img", mounts=(Mount("data", "/data"), Mount("conf", "/conf", read_only=True)))
        host = configured(spec)["HostConfig"]
        assert isinstance(host, dict)
        assert host["Mounts"] == [
            {"Type": "volume", "Source": "mde-data", "Target": "/data", "ReadOnly": False},
            {"Type": "volume", "Source": "mde-conf", "Target": "/conf", "ReadOnly": True},
        ]

    @pytest.mark.parametrize(
        ("asked", "user", "tail"),
        [
            ("", "", "mode=1777"),
            ("mode=700,size=9g,exec,nr_inodes=9", "", "mode=700"),
            ("uid=5", "1000", "uid=5,mode=1777"),
            ("", "999:999", "mode=1777,uid=999"),
            ("", "app", "mode=1777"),
            ("size=9g", "0", "mode=1777,uid=0"),
        ],
    )
    def test_a_tmpfs_has_our_size(self, asked: str, user: str, tail: str) -> None:
        assert tmpfs_options(Limits(tmp_mb=3, tmp_inodes=99), asked, user) == (
            f"rw,nosuid,nodev,size=3m,nr_inodes=99,{tail}"
        )

    def test_the_side_container_has_what_no_service_has(self) -> None:
        body = side_config("side", labels={}, network=None, seconds=90.9)
        assert body["HostConfig"]["CapAdd"] == ["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_CHROOT"]
        assert body["HostConfig"]["NetworkMode"] == "none"
        assert body["Env"] == ["MDE_DEADLINE_SECONDS=90"]
        assert body["OpenStdin"]
        assert body["StdinOnce"]
        assert side_config("side", labels={}, network="n", seconds=-5)["Env"] == ["MDE_DEADLINE_SECONDS=30"]

    def test_an_index_has_no_network_and_no_power(self) -> None:
        host = index_config("index", {})["HostConfig"]
        assert (host["NetworkMode"], host["CapAdd"], host["ReadonlyRootfs"]) == ("none", [], True)

    def test_effective_values_are_the_engines(self) -> None:
        body = configured(ServiceSpec("web", "img", limits=Limits(cpus=1.5)))
        found = effective({"HostConfig": body["HostConfig"]})
        assert (found["memory_mb"], found["cpus"], found["pids"], found["core"]) == (256, 1.5, 128, 0)
        assert found["no_new_privileges"]
        bare = effective({"HostConfig": {"Privileged": True, "Binds": ["/:/host"]}})
        assert bare["privileged"]
        assert bare["binds"] == ("/:/host",)
        assert not bare["no_new_privileges"]
        assert bare["core"] == -1


class TestNames:
    @given(st.text())
    def test_a_slug_is_always_a_name(self, text: str) -> None:
        made = slug(text)
        assert 1 <= len(made) <= 24
        assert made[0].isalnum() or made[0] == "_"
        assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-")

    def test_two_of_a_name_are_apart(self) -> None:
        first, second = unique("A 1", "web"), unique("A 1", "web")
        assert first != second
        assert first.startswith("mde-a-1-web-")

    def test_a_labs_cache_has_its_own_place(self) -> None:
        assert cache_repository("lab-02") == "mde-grade/cache-lab-02"


class TestVolumes:
    def test_shared_volumes_are_as_large_as_the_largest_writer(self) -> None:
        small = ServiceSpec("a", "i", mounts=(Mount("v", "/v"),), limits=Limits(layer_mb=10))
        large = ServiceSpec("b", "i", mounts=(Mount("v", "/w"),), limits=Limits(layer_mb=20))
        found = wanted("attempt", [(small, {}), (large, {"Volumes": {"/cache": {}}})])
        assert {key: volume.size_mb for key, volume in found.items()} == {"v": 20, "b:/cache": 20}
        assert len({volume.name for volume in found.values()}) == 2

    def test_what_is_mounted_needs_no_volume_of_ours(self) -> None:
        spec = ServiceSpec("a", "i", mounts=(Mount("v", "/data/"),), tmpfs=("/tmp:size=1m", "/run"))
        assert declared(spec, {"Volumes": {"/data": {}, "/tmp/": {}, "/run": {}, "/else": {}}}) == ["/else"]
        assert declared(spec, {"Volumes": None}) == []


class TestNetworks:
    @given(st.integers())
    def test_a_pick_is_in_the_pool(self, seed: int) -> None:
        among = pool({})
        made = ipaddress.IPv4Network(pick(among, random.Random(seed)))  # noqa: S311
        assert made.prefixlen == 28
        assert made.subnet_of(among)

    def test_the_pool_may_be_chosen(self) -> None:
        assert str(pool({"MDE_GRADE_POOL": "172.20.0.0/24"})) == "172.20.0.0/24"

    @pytest.mark.parametrize("text", ["nonsense", "10.0.0.0/29", "10.0.0.1/16", "fd00::/64"])
    def test_a_pool_that_cannot_be_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="MDE_GRADE_POOL"):
            pool({"MDE_GRADE_POOL": text})


class TestStartOrder:
    def test_requirements_come_first_and_else_the_files_order(self) -> None:
        specs = [ServiceSpec("a", "i", requires=("c",)), ServiceSpec("b", "i"), ServiceSpec("c", "i")]
        assert [spec.name for spec in start_order(specs)] == ["b", "c", "a"]

    @pytest.mark.parametrize(("requires", "words"), [(("b",), "circle: a, b"), (("x",), "no service x")])
    def test_what_cannot_be_is_told(self, requires: tuple[str, ...], words: str) -> None:
        with pytest.raises(StartFailedError, match=words):
            start_order([ServiceSpec("a", "i", requires=requires), ServiceSpec("b", "i", requires=("a",))])


class TestEndpoints:
    def test_docker_host_is_the_users_decision(self, tmp_path: Path) -> None:
        found = endpoints({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, tmp_path)
        assert [(each.url, each.tls) for each in found] == [("tcp://h:1", Path("/c"))]

    def test_the_usual_sockets(self, tmp_path: Path) -> None:
        urls = [each.url for each in endpoints({"XDG_RUNTIME_DIR": "/x"}, tmp_path)]
        assert urls == [
            "unix:///var/run/docker.sock",
            "unix:///x/docker.sock",
            "unix:///x/podman/podman.sock",
            "unix:///run/podman/podman.sock",
        ]

    def test_the_context_in_use_comes_first(self, tmp_path: Path) -> None:
        digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # sha256 of "test"
        meta = tmp_path / ".docker" / "contexts" / "meta" / digest
        meta.mkdir(parents=True)
        (tmp_path / ".docker" / "config.json").write_text(json.dumps({"currentContext": "test"}))
        (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "ssh://box"}}}))
        assert endpoints({}, tmp_path)[0].url == "ssh://box"
        assert endpoints({"DOCKER_CONTEXT": "default"}, tmp_path)[0].url == "unix:///var/run/docker.sock"

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"currentContext": 3}', '{"currentContext": "gone"}'])
    def test_a_broken_configuration_is_none(self, tmp_path: Path, text: str) -> None:
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(text)
        assert endpoints({}, tmp_path)[0].url == "unix:///var/run/docker.sock"


def test_paths_that_an_index_was_asked_for() -> None:
    log = 'READY 127.0.0.1:3141\nGET /simple/flask/\nGET /wheels/a.whl\n10.0.0.1 - "GET /x HTTP/1.1" 200\nPOST /y\n'
    assert asked_paths(log) == ("/simple/flask/", "/wheels/a.whl", "/x")
