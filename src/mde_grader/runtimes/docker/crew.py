"""Makes, starts and removes the containers of one stack, and knows everything that it made."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from mde_grader.errors import EngineError, ImageMissingError, StartFailedError
from mde_grader.runtimes.base import LABEL, BuiltImage, ServiceSpec, StackSpec
from mde_grader.runtimes.docker import volumes
from mde_grader.runtimes.docker.accounts import insist_on_plain_accounts
from mde_grader.runtimes.docker.archives import read_file
from mde_grader.runtimes.docker.client import BAD_REQUEST, NOT_FOUND, Engine, RefusalError
from mde_grader.runtimes.docker.contexts import file_archive
from mde_grader.runtimes.docker.names import ROLE_LABEL, SERVICE_LABEL, unique
from mde_grader.runtimes.docker.networks import create_network
from mde_grader.runtimes.docker.profile import command_config, service_config, side_config
from mde_grader.runtimes.docker.users import is_root_name, is_root_number, named_user
from mde_grader.runtimes.docker.watch import LayerWatch, Watch
from mde_grader.runtimes.failures import Stage, Trouble, blame

REMOVE_SECONDS = 20.0
PASSWD_LIMIT = 262_144

INIT_LABEL = f"{LABEL}.init"
"""Label of an image of ours whose program is its own init, with `own`: the engine's could be traced by whoever is the
same user, who would then say how the command ends."""


class VolumesUnknownError(Exception):
    """An image that was built beside the start declares a volume, and the side container had to hold it by then."""


class Crew:
    """What one stack has on the engine.

    Args:
        engine: The engine.
        watch: Hears when containers end.
        spec: The stack.
        pool: Addresses that networks are taken from.
    """

    def __init__(self, engine: Engine, watch: Watch, spec: StackSpec, pool: ipaddress.IPv4Network) -> None:
        self.engine = engine
        self.watch = watch
        self.spec = spec
        self.side = ""
        self.heavy: set[str] = set()
        self.network = unique(spec.owner.attempt, "net") if spec.network else None
        self._pool = pool
        self._layers = LayerWatch(engine, self._too_heavy)
        self._side_name = unique(spec.owner.attempt, "side")
        self._lock = threading.Lock()
        self._containers: list[str] = []
        self._file_images: list[str] = []
        self._images: dict[str, dict[str, Any]] = {}
        self._root_names: dict[tuple[str, str], bool] = {}
        self._volumes: dict[str, volumes.Volume] = {}
        self._closed = False
        self._spent: set[str] = set()
        self._plain: set[str] = set()

    def prepare(self) -> None:
        """Look the images up and make the volumes, without which nothing can be created."""
        self._volumes = self._wanted_volumes()
        for volume in self._volumes.values():
            volumes.make_volume(self.engine, volume, self._labels("volume"))

    def complete(self, images: Mapping[str, BuiltImage]) -> None:
        """Take in the images of the services that had none.

        Raises:
            VolumesUnknownError: One declares a volume; nothing of this crew can be used.
        """
        self.spec = self.spec.with_images(images)
        if not self._wanted_volumes().keys() <= self._volumes.keys():
            raise VolumesUnknownError

    def _wanted_volumes(self) -> dict[str, volumes.Volume]:
        """The volumes of all services, as far as their images are known."""
        specs = (*self.spec.services, *self.spec.workspaces)
        described = [(each, self._config(each.image) if each.image else {}) for each in specs]
        found = volumes.wanted(self.spec.owner.attempt, described)
        for workspace in self.spec.workspaces:
            found = volumes.owned(found, workspace, self.numbered_user(workspace))
        return found

    @property
    def holds_volumes(self) -> bool:
        """Whether the side container must run before services are made: what is copied into a volume would be lost."""
        return bool(self._volumes)

    def make_network(self) -> None:
        """Make the stack's network, if it has one."""
        if self.network is not None:
            create_network(self.engine, self.network, self._labels("network"), self._pool)

    def create_side(self) -> None:
        """Make the side container; it does not run yet."""
        spec = self.spec
        seconds = spec.owner.expires - time.time()
        body = side_config(
            spec.side_image,
            labels=self._labels("side"),
            network=self.network,
            seconds=seconds,
            writes=any(workspace.mounts for workspace in spec.workspaces),
        )
        body["HostConfig"]["Mounts"] = volumes.holding(self._volumes.values())
        if self.network is None:
            body["HostConfig"]["ExtraHosts"] = [f"{service.name}:127.0.0.1" for service in spec.services]
        try:
            self.side = self._made(self._side_name, body)
        except RefusalError as refusal:
            if refusal.status == NOT_FOUND:
                raise ImageMissingError(f"the image {spec.side_image} is not on this engine") from refusal
            raise EngineError(f"the side container cannot be made: {refusal.message}") from refusal

    def start_side(self) -> None:
        """Run the side container."""
        try:
            self.engine.ask("POST", f"/containers/{self.side}/start")
        except RefusalError as refusal:
            raise EngineError(f"the side container does not start: {refusal.message}") from refusal

    def create(self, name: str, spec: ServiceSpec) -> str:
        """Make a service's container and return its id; it does not run yet.

        Raises:
            StartFailedError: The engine refuses what the candidate asks for.
            EngineError: It refuses something of ours.
        """
        user = self._user(spec)
        by_name = named_user(user)
        known = self._root_names.get((spec.image, by_name or ""))
        root = is_root_number(user) if by_name is None else bool(known)
        try:
            # A service of ours stays out: a candidate's service of the same uid could kill or trace it there.
            container = self._create(name, spec, share_pid=(spec.candidate or spec.inspected) and not root)
            if (
                spec.candidate
                and by_name is not None
                and known is None
                and self._is_root(container, spec.image, by_name)
            ):
                self.remove(container)
                container = self._create(name, spec, share_pid=False)
            if spec.files and not spec.read_only:
                self._write(container, spec.files)
        except RefusalError as refusal:
            raise self._refused(spec, refusal) from refusal
        if spec.candidate and not spec.read_only:
            self._layers.add(container, spec.limits.layer_mb)
        return container

    def create_command(self, spec: ServiceSpec) -> str:
        """Make the container of one command of a workspace and return its id; it does not run yet.

        Raises:
            EngineError: The engine refuses it.
        """
        body = command_config(
            spec,
            user=self.numbered_user(spec),
            labels={**self._labels("command"), SERVICE_LABEL: spec.name},
            network=self.network,
            volumes={mount.target: self.volume(mount.volume).name for mount in spec.mounts},
        )
        if (self._config(spec.image).get("Labels") or {}).get(INIT_LABEL) == "own":
            body["HostConfig"]["Init"] = False
        try:
            return self._made(unique(self.spec.owner.attempt, spec.name), body)
        except RefusalError as refusal:
            raise EngineError(f"a command of {spec.name} cannot be made: {refusal.message}") from refusal

    def numbered_user(self, spec: ServiceSpec) -> str:
        """`uid:gid` that a workspace's commands run as.

        Raises:
            EngineError: It is root's, or no number, which is for the image's author to mend.
        """
        uid, _, gid = self._user(spec).partition(":")
        if not (uid.isascii() and uid.isdigit() and int(uid) > 0 and (not gid or (gid.isascii() and gid.isdigit()))):
            raise EngineError(f"the workspace {spec.name} needs a user by number and other than root, not {uid!r}")
        return f"{uid}:{gid or uid}"

    def volume(self, key: str) -> volumes.Volume:
        """A volume of the stack by the name that the stack has for it."""
        with self._lock:
            if self._closed:
                raise EngineError("the stack was closed")
            return self._volumes[key]

    def held(self, key: str) -> str:
        """Where the side container holds a volume of the stack."""
        return volumes.held_at(list(self._volumes).index(key))

    @property
    def stands(self) -> bool:
        """Whether the side container still runs, which ends with the stack or with the engine only."""
        try:
            return bool(self.engine.ask("GET", f"/containers/{self.side}/json")["State"]["Running"])
        except (RefusalError, EngineError):
            return False

    def launch(self, container: str, spec: ServiceSpec) -> None:
        """Run a container.

        Raises:
            StartFailedError: It cannot run, and that is the candidate's doing.
            EngineError: It is ours.
        """
        if spec.candidate and (spec.image not in self._plain or not spec.read_only):
            insist_on_plain_accounts(self.engine, container, spec.name)
            self._plain.add(spec.image)
        try:
            self.engine.ask("POST", f"/containers/{container}/start")
        except RefusalError as refusal:
            raise self._refused(spec, refusal) from refusal

    def remove(self, container: str) -> None:
        """Remove a container, running or not, and wait until it is gone."""
        self._layers.remove(container)
        path = f"/containers/{container}"
        if not self.engine.quietly("DELETE", path, params={"force": 1, "v": 1}):
            with suppress(RefusalError):
                self.engine.ask("POST", f"{path}/wait", params={"condition": "removed"}, timeout=REMOVE_SECONDS)
        self.watch.forget(container)
        with self._lock:
            if container in self._containers:
                self._containers.remove(container)

    def stop_signal(self, image: str) -> str:
        """The image's own stop signal."""
        return str(self._config(image).get("StopSignal") or "SIGTERM")

    def close(self) -> None:
        """Remove everything. A step that fails does not keep the others from being taken; the first error is raised."""
        self._layers.close()
        with self._lock:
            self._closed = True
            containers, images = list(self._containers), list(self._file_images)
            self._file_images.clear()
            gone, self._volumes = list(self._volumes.values()), {}
        _all_at_once([partial(self.remove, each) for each in containers])
        rest = [f"/volumes/{volume.name}?force=1" for volume in gone] + [f"/images/{each}" for each in images]
        if self.network is not None:
            rest.append(f"/networks/{self.network}")
        _all_at_once([partial(self.engine.quietly, "DELETE", path) for path in rest])

    def _user(self, spec: ServiceSpec) -> str:
        """The user that a service runs as: its own, or the image's."""
        return spec.user if spec.user is not None else str(self._config(spec.image).get("User") or "")

    def _create(self, name: str, spec: ServiceSpec, *, share_pid: bool) -> str:
        image = self._with_files(spec) if spec.files and spec.read_only else spec.image
        body = service_config(
            spec,
            image=image,
            user=self._user(spec),
            labels={**self._labels("service"), SERVICE_LABEL: name},
            side=self._side_name,
            network=self.network,
            share_pid=share_pid,
            volumes=self._mounted(spec),
        )
        if image != spec.image:
            # A commit puts the scratch container's entrypoint where the image has none.
            own = self._config(spec.image)
            body.setdefault("Entrypoint", own.get("Entrypoint") or [])
            if spec.entrypoint is None:
                body.setdefault("Cmd", own.get("Cmd") or [])
        if self.network is not None and name != spec.name:
            body["Hostname"] = name
            body["NetworkingConfig"]["EndpointsConfig"][self.network]["Aliases"].append(name)
        return self._made(unique(self.spec.owner.attempt, name), body)

    def _made(self, name: str, body: Mapping[str, Any]) -> str:
        container = str(self.engine.ask("POST", "/containers/create", params={"name": name}, body=body)["Id"])
        with self._lock:
            if not self._closed:
                self._containers.append(container)
                return container
        self.engine.quietly("DELETE", f"/containers/{container}", params={"force": 1, "v": 1})
        raise EngineError("the stack was closed while a container was made for it")

    def _mounted(self, spec: ServiceSpec) -> dict[str, str]:
        """Target to volume. What an image declares is new for every container but the first: only a named one lasts."""
        found = {mount.target: self._volume(mount.volume, spec).name for mount in spec.mounts}
        for path in volumes.declared(spec, self._config(spec.image)):
            key = volumes.declared_key(spec.name, path)
            if key in self._spent:
                key = f"{key}#{len(self._volumes)}"
            self._spent.add(key)
            found[path] = self._volume(key, spec).name
        return found

    def _volume(self, key: str, spec: ServiceSpec) -> volumes.Volume:
        with self._lock:
            if key in self._volumes:
                return self._volumes[key]
            volume = volumes.Volume(key, unique(self.spec.owner.attempt, key), spec.limits.layer_mb)
            self._volumes[key] = volume
        volumes.make_volume(self.engine, volume, self._labels("volume"), held=False)
        return volume

    def _with_files(self, spec: ServiceSpec) -> str:
        """The service's image with its files on top, for the engine writes nothing into a read-only container."""
        labels = self._labels("files")
        body = {"Image": spec.image, "Labels": labels, "Entrypoint": ["/none"], "HostConfig": {"NetworkMode": "none"}}
        scratch = self._made(unique(self.spec.owner.attempt, "files"), body)
        try:
            self._write(scratch, spec.files)
            params = {"container": scratch, "pause": 0}
            made = self.engine.ask(
                "POST", "/commit", params=params, body={"Labels": labels} | _own(self._config(spec.image))
            )
        finally:
            self.remove(scratch)
        with self._lock:
            self._file_images.append(str(made["Id"]))
        return str(made["Id"])

    def _write(self, container: str, files: Mapping[str, bytes]) -> None:
        with self.engine.answer(
            "PUT",
            f"/containers/{container}/archive",
            params={"path": "/"},
            data=file_archive(dict(files)),
            headers={"Content-Type": "application/x-tar"},
        ):
            return

    def _is_root(self, container: str, image: str, name: str) -> bool:
        try:
            passwd: bytes | None = read_file(self.engine, container, "/etc/passwd", limit=PASSWD_LIMIT)
        except (FileNotFoundError, ValueError):
            passwd = None
        root = self._root_names[image, name] = is_root_name(name, passwd)
        return root

    def _image(self, name: str) -> dict[str, Any]:
        try:
            about: dict[str, Any] = self.engine.ask("GET", f"/images/{name}/json")
        except RefusalError as refusal:
            if refusal.status == NOT_FOUND:
                raise ImageMissingError(f"the image {name} is not on this engine") from refusal
            raise EngineError(f"the engine cannot show the image {name}: {refusal.message}") from refusal
        self._images[name] = about
        return about

    def _config(self, image: str) -> dict[str, Any]:
        about = self._images.get(image) or self._image(image)
        return about.get("Config") or {}

    def _labels(self, role: str) -> dict[str, str]:
        return {**self.spec.owner.labels(), ROLE_LABEL: role}

    def _too_heavy(self, container: str) -> None:
        self.heavy.add(container)
        self.engine.quietly("POST", f"/containers/{container}/kill")

    def _refused(self, spec: ServiceSpec, refusal: RefusalError) -> Exception:
        trouble = Trouble(
            Stage.START,
            service=spec.name,
            candidate=spec.candidate,
            message=refusal.message,
            invalid=refusal.status == BAD_REQUEST,
        )
        found = blame(trouble)
        if found.owner == "grader":
            return EngineError(f"{found.message} ({LABEL} {found.rule})")
        return StartFailedError(found.rule, found.message, hint=found.hint, said=refusal.message)


def _own(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a commit would otherwise take from the container instead of the image."""
    return {key: config.get(key) for key in ("Entrypoint", "Cmd", "User", "WorkingDir", "Env")}


def _all_at_once(steps: list[Callable[[], object]]) -> None:
    if not steps:
        return
    with ThreadPoolExecutor(max_workers=min(16, len(steps))) as pool:
        futures = [pool.submit(step) for step in steps]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
