"""One run of a playbook after another over a lab's hosts, and what each did to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from graders.ansible.boards import Shown, shown
from graders.ansible.inventories import Host
from graders.ansible.machines import Entries, Machine, touched
from graders.ansible.playbooks import Playbooks, Played
from graders.ansible.watching import Looks, Watch, away, starts
from mde_grader.checking.probe import Probe
from mde_grader.runtimes.base import Stack


@dataclass(frozen=True, slots=True)
class Round:
    """One run.

    Attributes:
        played: The run itself.
        before: Files of each host before it, by the host's name.
        after: And after it.
        looks: What was seen of the hosts' programs meanwhile.
        shown: What the boards showed afterwards.
    """

    played: Played
    before: Mapping[str, Entries]
    after: Mapping[str, Entries]
    looks: Looks
    shown: Mapping[str, Shown]

    def touched(self, name: str) -> tuple[str, ...]:
        """Paths that it touched on a host."""
        return touched(self.before[name], self.after[name])

    def starts(self, name: str) -> int:
        """How often the program was started on a host."""
        return starts(self.looks, name)

    def away(self, names: Sequence[str]) -> tuple[str, ...]:
        """The most of these hosts that were not ready at one moment."""
        return away(self.looks, names)


@dataclass(frozen=True, slots=True)
class Boards:
    """Where boards are, name to `http://host:port`, and the tokens to try at their doors."""

    addresses: Mapping[str, str]
    tokens: tuple[str, ...]

    @property
    def ready(self) -> dict[str, str]:
        """Where each says whether it is ready."""
        return {name: f"{address}/ready" for name, address in self.addresses.items()}


class Fleet:
    """The hosts of a lab.

    Args:
        stack: The running stack.
        probe: A client on its network.
        playbooks: Runs the playbook.
        program: The word by which the processes that are watched are known.
        folder: The folder that the playbook is about.
    """

    def __init__(self, stack: Stack, probe: Probe, playbooks: Playbooks, *, program: str, folder: str) -> None:
        self._stack = stack
        self._probe = probe
        self._playbooks = playbooks
        self._program = program
        self._folder = folder

    def machines(self, hosts: Sequence[Host]) -> dict[str, Machine]:
        """The inspector's view of hosts, by name."""
        return {host.name: Machine(self._stack, host.service) for host in hosts}

    def entries(self, hosts: Sequence[Host]) -> dict[str, Entries]:
        """Files of hosts, by name."""
        return {name: machine.entries(self._folder) for name, machine in self.machines(hosts).items()}

    def round(self, hosts: Sequence[Host], inventory: bytes, *arguments: str, boards: Boards, seconds: float) -> Round:
        """Run the playbook and keep what it did.

        Args:
            hosts: The hosts that are looked at.
            inventory: The inventory file.
            *arguments: Options of `ansible-playbook`.
            boards: Where the boards are.
            seconds: When the run is ended.
        """
        before = self.entries(hosts)
        with Watch(self.machines(hosts), self._program, self._probe, boards.ready) as watch:
            played = self._playbooks.play(inventory, *arguments, seconds=seconds)
        after = self.entries(hosts)
        return Round(played, before, after, tuple(watch.looks), shown(self._probe, boards.addresses, boards.tokens))


def admit(stack: Stack, services: Sequence[str], public: str) -> None:
    """Replace hosts by fresh ones that a key opens, all at once, and wait until they can be reached.

    Args:
        stack: The running stack.
        services: The hosts' services.
        public: The public key.
    """
    with ThreadPoolExecutor(len(services)) as pool:
        list(pool.map(lambda name: stack[name].recreate(environment={"AUTHORIZED_KEYS": public}), services))
    stack.wait_ready(*services)
