"""`host.process`, `host.socket` and `host.environment`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from testinfra.modules.environment import Environment
from testinfra.modules.process import Process
from testinfra.modules.socket import Socket

from mde_grader.checking.api import CheckFailedError
from mde_grader.checking.native.accounts import accounts, teams
from mde_grader.checking.native.base import Native
from mde_grader.model import Evidence

_KIB = 1024


class NativeProcess(Native, Process):  # type: ignore[misc]
    """See testinfra's `Process`.

    Attributes of a process: pid, ppid, comm, args, user, euser, uid, euid, group, gid, egid, rss (KiB), nlwp, thcount,
    s, stat, state, lstart (clock ticks after boot), and of our own main, cap_eff, no_new_privs, env_names, cmdline.
    """

    def get(self, **filters: Any) -> Any:  # noqa: ANN401
        """The one process that matches.

        Raises:
            CheckFailedError: None does, or several do.
        """
        found = self.filter(**filters)
        if len(found) != 1:
            wanted = ", ".join(f"{name}={value}" for name, value in filters.items()) or "any"
            expected = f"one process in the service {self.view().name} ({wanted})"
            raise CheckFailedError(Evidence(expected=expected, seen=f"{len(found)} processes"))
        return found[0]

    def _get_processes(self, **_: object) -> list[dict[str, Any]]:
        users = {account.uid: account.name for account in reversed(accounts(self.view()))}
        groups = {team.gid: team.name for team in reversed(teams(self.view()))}
        rows = self.view().ask("processes")["processes"]
        return [_attributes(row, users.get(row["uid"], ""), groups.get(row["gid"], "")) for row in rows]

    def _get_process_attribute_by_pid(self, pid: int, name: str) -> NoReturn:
        raise AttributeError(f"a process has no {name!r} here (pid {pid})")


def _attributes(row: Mapping[str, Any], user: str, group: str) -> dict[str, Any]:
    user, group = user or str(row["uid"]), group or str(row["gid"])
    return {
        **{name: row[name] for name in ("pid", "ppid", "main", "cap_eff", "no_new_privs", "env_names", "cmdline")},
        **dict.fromkeys(("uid", "euid"), row["uid"]),
        **dict.fromkeys(("gid", "egid"), row["gid"]),
        **dict.fromkeys(("user", "euser"), user),
        **dict.fromkeys(("group", "egroup"), group),
        **dict.fromkeys(("s", "stat", "state"), row["state"]),
        **dict.fromkeys(("nlwp", "thcount"), row["threads"]),
        "comm": row["name"],
        "args": " ".join(row["cmdline"]),
        "rss": row["rss"] // _KIB,
        "lstart": row["started"],
    }


class NativeSocket(Native, Socket):  # type: ignore[misc]
    """See testinfra's `Socket`."""

    def _iter_sockets(self, listening: bool) -> Iterator[tuple[Any, ...]]:  # noqa: FBT001 - testinfra's signature
        for row in self.view().ask("sockets", listening=listening, unix=True)["sockets"]:
            protocol = row["proto"].removesuffix("6")
            if protocol == "unix":
                if listening or row["state"] == "ESTABLISHED":
                    yield "unix", row["address"]
            elif listening:
                yield protocol, row["address"], row["port"]
            elif row["state"] == "ESTABLISHED":
                yield protocol, row["address"], row["port"], row["peer"], row["peer_port"]


class NativeEnvironment(Native, Environment):  # type: ignore[misc]
    """See testinfra's `Environment`: what the service's main process was started with."""

    def __call__(self) -> dict[str, str]:
        """Names and values."""
        answer = self.view().ask("environ", pid=None)
        return {str(name): str(value) for name, value in answer["environ"].items()}
