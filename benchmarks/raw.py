"""The floor's tools: the Docker SDK's low-level client and a bare conversation with the side container's agent.

What decides what an engine has to do (the run profile, the context's bytes) is taken from the grader, so that the
engine is asked for the very same; what the grader does besides (policy, staging, sweeping, blame, scoring) is not here.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from docker import APIClient
from requests import RequestException

from benchmarks.ground import Ground
from benchmarks.pairs import SpoiledError
from mde_grader.runtimes.base import Owner, ServiceSpec
from mde_grader.runtimes.docker import volumes
from mde_grader.runtimes.docker.contexts import DOCKERFILE, context_stream, file_archive
from mde_grader.runtimes.docker.dockerfiles import base_of
from mde_grader.runtimes.docker.names import ROLE_LABEL, unique
from mde_grader.runtimes.docker.networks import OPTIONS, pick, pool
from mde_grader.runtimes.docker.profile import service_config, side_config
from mde_grader.runtimes.docker.users import is_root_number
from mde_grader.runtimes.janitor import this_process

LIFE_SECONDS = 300.0
STUCK_SECONDS = 20.0
"""When a removal, or an end that is waited for, is given up: dockerd 20.10 was seen to hang in one for ever."""
LIMIT = 1 << 20


class Agent:
    """A conversation with the side container over the socket that was attached before its start."""

    def __init__(self, sock: Any) -> None:  # noqa: ANN401 - the SDK's wrapper
        self._owner, self._sock = sock, getattr(sock, "_sock", sock)
        self._sock.settimeout(None)
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, op: str, *, seconds: float = 10.0, **arguments: object) -> queue.Queue[dict[str, Any]]:
        """Ask; the queue gets the answer."""
        with self._lock:
            number = next(self._numbers)
            answer = self._answers[number] = queue.Queue()
            line = json.dumps({"id": number, "op": op, "seconds": seconds, **arguments})
            self._sock.sendall(line.encode() + b"\n")
        return answer

    def ask(self, op: str, *, seconds: float = 10.0, **arguments: object) -> dict[str, Any]:
        """Ask and wait; the `ok` part of the answer, empty when there is none."""
        found: dict[str, Any] = self.send(op, seconds=seconds, **arguments).get(timeout=seconds + 5).get("ok", {})
        return found

    def start_http(self, method: str, url: str, **sent: Any) -> queue.Queue[dict[str, Any]]:  # noqa: ANN401
        """Send a request; `data` is bytes, `json` a value."""
        data, headers = sent.get("data"), {}
        if "json" in sent:
            data, headers = json.dumps(sent["json"]).encode(), {"Content-Type": "application/json"}
        body = None if data is None else base64.b64encode(data).decode()
        return self.send("http", seconds=15, url=url, method=method, headers=headers, body=body, limit=LIMIT)

    def http(self, method: str, url: str, **sent: Any) -> tuple[int, bytes, dict[str, str]]:  # noqa: ANN401
        """Ask a service; status (0 without an answer), body, headers."""
        return reply(self.start_http(method, url, **sent).get(timeout=20))

    def close(self) -> None:
        """End the conversation, and the side container with it."""
        self._sock.shutdown(2)
        self._owner.close()

    def _received(self) -> bytes:
        try:
            received: bytes = self._sock.recv(65_536)
        except OSError:  # closed by us
            return b""
        return received

    def _read(self) -> None:
        """Take the engine's frames apart: 8 bytes of header, then so many bytes; one answer a line."""
        frames, lines = b"", b""
        while data := self._received():
            frames += data
            while len(frames) >= 8 and len(frames) >= 8 + int.from_bytes(frames[4:8], "big"):
                end = 8 + int.from_bytes(frames[4:8], "big")
                lines += frames[8:end] if frames[0] == 1 else b""
                frames = frames[end:]
            *whole, lines = lines.split(b"\n")
            for line in whole:
                answer = json.loads(line)
                self._answers.pop(answer["id"]).put(answer)


@contextmanager
def _unstuck(what: str, container: str) -> Iterator[None]:
    try:
        yield
    except RequestException as error:
        raise SpoiledError(f"{what} of container {container[:12]} did not come: {error}") from error


def reply(answer: Mapping[str, Any]) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of an answer about HTTP."""
    found = answer.get("ok", {})
    headers = {name.lower(): value for name, value in found.get("headers", ())}
    return int(found.get("status", 0)), base64.b64decode(found.get("body", "")), headers


class Rig:
    """One floor run on the engine: makes what an attempt makes, and takes it away.

    Args:
        ground: What is graded.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.client: Any = APIClient(base_url=ground.engine.info.host, version=ground.engine.info.api, max_pool_size=32)
        self.client.trust_env = False
        self.name = unique("floor")
        owner = Owner(self.name, this_process(), "floor", time.time() + LIFE_SECONDS)
        self.labels = owner.labels()
        self.network = f"{self.name}-net" if ground.lab.environment().network else None
        self.side = ""
        self.volumes: dict[str, volumes.Volume] = {}
        self.services: dict[str, ServiceSpec] = {}
        self.users: dict[str, str] = {}
        self.running: dict[str, str] = {}
        self.images: list[str] = []
        self.agent: Agent

    def build(self, folder: Any) -> str:  # noqa: ANN401
        """Send the context, read the log to its end, ask for the image and its history as an attempt must."""
        plan = self.ground.build
        stream = context_stream(folder / plan.context, self.ground.dockerfile, plan.excludes, limit_mb=64)
        parameters = {
            "dockerfile": DOCKERFILE,
            "rm": 1,
            "forcerm": 1,
            "networkmode": "none",
            "buildargs": json.dumps(dict(plan.arguments)),
        }
        headers = {"Content-Type": "application/x-tar"}
        url = f"{self.client.base_url}/v{self.client.api_version}/build"
        with self.client.post(url, params=parameters, data=stream, headers=headers, stream=True) as answer:
            said = [json.loads(line) for line in answer.iter_lines() if line.strip()]
        stages = [str(line["aux"]["ID"]) for line in said if "aux" in line]
        if not stages or "error" in said[-1]:
            raise RuntimeError(f"the build cache is cold, grade the reference once: {said[-1]}")
        image = stages[-1]
        self.users[image] = str(self.client.inspect_image(image)["Config"].get("User") or "")
        for each in (image, base_of(self.ground.dockerfile, plan.target)):
            self.client.history(each)
        return image

    def up(self, image: str) -> None:
        """Start everything, in the order and with the overlap that the services' needs allow."""
        self.services = self.ground.services(image)
        nothing: dict[str, Any] = {}
        self.volumes = volumes.wanted(self.name, [(spec, nothing) for spec in self.services.values()])
        for volume in self.volumes.values():
            mounted = f"size={volume.size_mb}m,nr_inodes={volumes.INODES},nosuid,nodev"
            options = {"type": "tmpfs", "device": "tmpfs", "o": mounted}
            self.client.create_volume(volume.name, driver="local", driver_opts=options, labels=self.labels)
        own = [spec.name for spec in self.ground.plan.services if not spec.candidate]
        with ThreadPoolExecutor(16) as workers:
            network = workers.submit(self._make_network)
            side = workers.submit(self._start_side, network.result)
            ready: dict[str, Callable[[], object]] = {}
            # The services that others wait for come first, so that each finds its needs in `ready`.
            for spec in sorted(self.services.values(), key=lambda each: each.name not in own):
                needs = [ready[name] for name in own if spec.candidate and name != spec.name]
                ready[spec.name] = workers.submit(self._bring_up, spec, side.result, needs).result
            for wait in ready.values():
                wait()

    def _make_network(self) -> None:
        if self.network is None:
            return
        subnet = pick(pool({}), random.Random())  # noqa: S311 - guards nothing
        ipam = {"Driver": "default", "Config": [{"Subnet": subnet}]}
        self.client.create_network(
            self.network, driver="bridge", internal=True, ipam=ipam, options=OPTIONS, labels=self._labels("network")
        )

    def _start_side(self, network: Callable[[], object]) -> None:
        image = self.ground.engine.tags["side"]
        config = side_config(image, labels=self._labels("side"), network=self.network, seconds=LIFE_SECONDS)
        config["HostConfig"]["Mounts"] = volumes.holding(self.volumes.values())
        if self.network is None:
            config["HostConfig"]["ExtraHosts"] = [f"{name}:127.0.0.1" for name in self.services]
        self.side = self.client.create_container_from_config(config, f"{self.name}-side")["Id"]
        streams = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
        sock = self.client.attach_socket(self.side, params=streams)
        network()
        self.client.start(self.side)
        self.agent = Agent(sock)

    def _bring_up(self, spec: ServiceSpec, side: Callable[[], object], needs: Sequence[Callable[[], object]]) -> None:
        side()
        container = self.create(spec.name)
        for need in needs:
            need()
        self.client.start(container)
        self.await_ready(spec.name)

    def create(self, name: str, alias: str = "") -> str:
        """Make a service's container; `alias` is the name of a second copy."""
        spec = self.services[name]
        user = spec.user if spec.user is not None else self.users.get(spec.image, "")
        config = service_config(
            spec,
            image=spec.image,
            user=user,
            labels=self._labels("service"),
            side=f"{self.name}-side",
            network=self.network,
            share_pid=spec.candidate and not is_root_number(user),
            volumes={mount.target: self.volumes[mount.volume].name for mount in spec.mounts},
        )
        container = str(self.client.create_container_from_config(config, unique(self.name, alias or name))["Id"])
        if spec.files:
            self.client.put_archive(container, "/", file_archive(dict(spec.files)))
        self.running[alias or name] = container
        return container

    def await_ready(self, *names: str) -> None:
        """Let the agent look until those services are ready, all at once."""
        asked = [
            self.agent.send("wait", url=self.services[name].ready, seconds=30)
            for name in names
            if self.services[name].ready
        ]
        for each in asked:
            assert "ok" in each.get(timeout=35)

    def kill(self, *names: str) -> None:
        """Kill services side by side, and wait until all have ended."""
        with ThreadPoolExecutor(16) as workers:
            list(workers.map(lambda name: self.stop(name, "SIGKILL"), names))

    def replace(self, *names: str) -> None:
        """Replace services side by side, and wait for them."""
        with ThreadPoolExecutor(16) as workers:
            list(workers.map(self._replace, names))
        self.await_ready(*names)

    def _replace(self, name: str) -> None:
        self.remove(self.running[name])
        self.client.start(self.create(name))

    def address(self, name: str) -> str:
        """Address of a service, from the engine."""
        about = self.client.inspect_container(self.running[name])
        return str(about["NetworkSettings"]["Networks"][self.network]["IPAddress"])

    def stop(self, name: str, signal: str) -> None:
        """Ask a service to end, and wait until it has."""
        self.client.kill(self.running[name], signal)
        self._await_end(self.running[name])

    def _await_end(self, container: str) -> None:
        with _unstuck("the end", container):
            self.client.wait(container, timeout=STUCK_SECONDS)

    def down(self) -> None:
        """Take everything away, side by side where the engine lets us."""
        self.agent.close()
        with ThreadPoolExecutor(16) as workers:
            list(workers.map(self.remove, [self.side, *self.running.values()]))
            gone = [workers.submit(self.client.remove_volume, each.name, force=True) for each in self.volumes.values()]
            if self.network is not None:
                gone.append(workers.submit(self.client.remove_network, self.network))
            for each in gone:
                each.result()
        for image in self.images:
            self.client.remove_image(image)
        self.client.close()

    def remove(self, container: str) -> None:
        """Remove a container.

        Raises:
            SpoiledError: The engine does not get it done; the next grader to start tries again.
        """
        url = f"{self.client.base_url}/v{self.client.api_version}/containers/{container}"
        with _unstuck("the removal", container):
            self.client.delete(url, params={"force": 1, "v": 1}, timeout=STUCK_SECONDS).raise_for_status()

    def _labels(self, role: str) -> dict[str, str]:
        return {**self.labels, ROLE_LABEL: role}
