"""The runs of lab-03-config, one after another, each made when the first check asks for it.

Every run finds the hosts as the one before left them: bare, converged, run again, broken and looked at in check mode,
repaired by half, repaired, one host more, and last an inventory that must be refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import SystemRandom

import pytest

from graders.ansible.boards import Words
from graders.ansible.inventories import Host, inventory
from graders.ansible.machines import Entries, unlike
from graders.ansible.playbooks import Playbooks, Vaulted, files_of, vaulted
from graders.ansible.rounds import Boards, Fleet, Round, admit
from mde_grader.checking import expect
from mde_grader.checking.context import Submission
from mde_grader.checking.probe import Probe
from mde_grader.checking.workspace import Workspace
from mde_grader.runtimes.base import Stack

SERVICES = ("target-1", "target-2", "target-3", "target-4")
PROGRAM = "/opt/mde/board.py"
FOLDER = "/srv/board"
SETTINGS, TOKEN = f"{FOLDER}/board.conf", f"{FOLDER}/token"
SECONDS = 240.0
"""What one run may take; 8 to 20 s is usual, and a minute on a machine that has much else to do."""
GIVEN = ("Ebbe-und-Flut-1962", "Kran-7-Kai-19")
"""The vault's password and the token in it, as the brief gives them to everybody; both are replaced for an attempt."""
Play = Callable[..., Round]
Due = Callable[[Host, Sequence[Host]], dict[str, Words]]
Break = Callable[[Sequence[Host], Sequence[str], Mapping[str, Entries], Mapping[str, set[str]]], None]
_CHANCE = SystemRandom()
_WORDS = ("fog", "sale", "dredger", "regatta", "crane", "pilot", "herring", "storm", "ferry", "buoy")


@dataclass(frozen=True)
class Harbour:
    """What this attempt's inventory says.

    Attributes:
        group: The group of all boards.
        hosts: Three hosts, and the fourth that joins them; the first two are of one group.
        port: Where all boards listen.
        notices: Name to text.
        password: What opens the vaults.
        token: What is in them.
    """

    group: str
    hosts: tuple[Host, ...]
    port: int
    notices: Mapping[str, str]
    password: str
    token: str

    def inventory(self, hosts: Sequence[Host], notices: Mapping[str, str] | None = None) -> bytes:
        """The inventory file with some of the hosts."""
        listed = [{"name": name, "text": text} for name, text in (self.notices if notices is None else notices).items()]
        return inventory(self.group, hosts, {"ansible_port": 2222, "board_port": self.port, "notices": listed})

    def boards(self, hosts: Sequence[Host]) -> Boards:
        """Where the boards of some hosts are, and what to try at their doors: the right token, and the brief's."""
        return Boards({host.name: f"http://{host.service}:{self.port}" for host in hosts}, (self.token, GIVEN[1]))


@dataclass(frozen=True)
class Damage:
    """What was broken by hand: a notice that was put among the first host's, and one that was edited on the second."""

    stray: str
    edited: str


@pytest.fixture(scope="session")
def harbour(variant: Mapping[str, str | int]) -> Harbour:
    """An inventory that nobody has seen before."""
    services = _CHANCE.sample(SERVICES, len(SERVICES))
    groups = [str(variant[name]) for name in ("north", "north", "south", "south")]
    berths = _CHANCE.sample(range(1, 100), len(services))
    hosts = [
        Host(f"kai-{secrets.token_hex(2)}", group, service, f"deploy{service[-1]}", {"berth": berth})
        for service, group, berth in zip(services, groups, berths, strict=True)
    ]
    notices = {word: f"{word} {secrets.token_hex(4)}" for word in _CHANCE.sample(_WORDS, 2)}
    port = 8_000 + secrets.randbelow(1_000)
    return Harbour(
        str(variant["harbour"]), tuple(hosts), port, notices, secrets.token_hex(12), f"tok-{secrets.token_hex(12)}"
    )


@pytest.fixture(scope="session")
def own() -> Due:
    """What a board is to show of itself."""

    def words(host: Host, hosts: Sequence[Host]) -> dict[str, Words]:
        own = {"station": host.name, "machine": host.service, "berth": str(host.variables["berth"])}
        peers = frozenset(other.name for other in hosts) - {host.name}
        return {**{name: frozenset({text}) for name, text in own.items()}, "peers": peers}

    return words


@pytest.fixture(scope="session")
def common(variant: Mapping[str, str | int]) -> Due:
    """What a board is to show of its group, and of all."""

    def words(host: Host, hosts: Sequence[Host]) -> dict[str, Words]:
        _ = hosts
        side = "north" if host.group == variant["north"] else "south"
        return {"unit": frozenset({str(variant[f"{side}_unit"])}), "flood_cm": frozenset({str(variant["flood_cm"])})}

    return words


@pytest.fixture(scope="session")
def prepared(workspace: Workspace, submission: Submission, harbour: Harbour) -> Vaulted:
    """The submission with its vaults made anew for this attempt."""
    return vaulted(workspace, files_of(submission.root), GIVEN, (harbour.password, harbour.token))


@pytest.fixture(scope="session")
def playbooks(workspace: Workspace, harbour: Harbour, prepared: Vaulted) -> Playbooks:
    """Runs the submission's playbook."""
    return Playbooks(workspace, prepared, harbour.password)


@pytest.fixture(scope="session")
def crew(stack: Stack, harbour: Harbour, prepared: Vaulted) -> tuple[Host, ...]:
    """The four hosts at their addresses; nobody has touched them, and the attempt's key opens them."""
    admit(stack, SERVICES, prepared.public)
    return tuple(
        replace(host, variables={**host.variables, "ansible_host": stack[host.service].address})
        for host in harbour.hosts
    )


@pytest.fixture(scope="session")
def fleet(stack: Stack, probe: Probe, playbooks: Playbooks) -> Fleet:
    """Runs playbooks and sees what they do to the hosts."""
    return Fleet(stack, probe, playbooks, program=PROGRAM, folder=FOLDER.rpartition("/")[0])


@pytest.fixture(scope="session")
def play(fleet: Fleet, harbour: Harbour, crew: tuple[Host, ...]) -> Play:
    """Runs the playbook with some hosts in its inventory, and looks at all four."""

    def once(hosts: Sequence[Host], *arguments: str, notices: Mapping[str, str] | None = None) -> Round:
        boards = harbour.boards(hosts)
        return fleet.round(crew, harbour.inventory(hosts, notices), *arguments, boards=boards, seconds=SECONDS)

    return once


@pytest.fixture(scope="session")
def spoil(fleet: Fleet, playbooks: Playbooks) -> Break:
    """Breaks something by hand, and sees that it is broken: a host that mends itself would prove nothing."""

    def once(
        hosts: Sequence[Host], scripts: Sequence[str], before: Mapping[str, Entries], wanted: Mapping[str, set[str]]
    ) -> None:
        logins = {f"{host.user}@{host.service}": script for host, script in zip(hosts, scripts, strict=True)}
        ran = playbooks.by_hand(logins)
        after = fleet.entries(hosts)
        for host in hosts:
            seen = unlike(before[host.name], after[host.name])
            expect(
                ran.ok and wanted[host.name] == set(seen),
                expected=f"over SSH, {', '.join(sorted(wanted[host.name]))} can be changed by hand, and stays so",
                seen=f"{host.name}: {ran.end}, and changed are {', '.join(seen) or 'no files'}",
                look=f"ssh -p 2222 {host.user}@{host.service} ls -la {FOLDER}",
                said=ran.err,
            )

    return once


@pytest.fixture(scope="session")
def first(play: Play, crew: tuple[Host, ...]) -> Round:
    """The first run, on three bare hosts."""
    return play(crew[:3], "--diff")


@pytest.fixture(scope="session")
def second(play: Play, crew: tuple[Host, ...], first: Round) -> Round:
    """The same again."""
    _ = first
    return play(crew[:3])


@pytest.fixture(scope="session")
def damage(spoil: Break, harbour: Harbour, crew: tuple[Host, ...], second: Round) -> Damage:
    """The first host's settings are edited, a notice is put beside its own, and one of the second's is edited."""
    done = Damage(f"{FOLDER}/notices/{secrets.token_hex(4)}.txt", f"{FOLDER}/notices/{next(iter(harbour.notices))}.txt")
    berth = 100 + secrets.randbelow(900)
    scripts = (
        f"sed -i -E '/^[[:space:]]*berth/s/[0-9]+/{berth}/' {SETTINGS}\necho stray > {done.stray}\n",
        f"echo scribble > {done.edited}\nchmod 0666 {done.edited}\n",
    )
    spoil(crew[:2], scripts, second.after, {crew[0].name: {SETTINGS, done.stray}, crew[1].name: {done.edited}})
    return done


@pytest.fixture(scope="session")
def predicted(play: Play, crew: tuple[Host, ...], damage: Damage) -> Round:
    """A run in check mode, while two of three hosts are broken."""
    _ = damage
    return play(crew[:3], "--check", "--diff")


@pytest.fixture(scope="session")
def limited(play: Play, crew: tuple[Host, ...], predicted: Round) -> Round:
    """A run that is limited to the first host, while the second is broken as well."""
    _ = predicted
    return play(crew[:3], "--limit", crew[0].name)


@pytest.fixture(scope="session")
def repaired(play: Play, spoil: Break, crew: tuple[Host, ...], limited: Round) -> Round:
    """A whole run, after the third host's token was opened to everybody and its board stopped."""
    spoil(crew[2:3], (f"chmod 0666 {TOKEN}\nsv down board\n",), limited.after, {crew[2].name: {TOKEN}})
    return play(crew[:3], "--diff")


@pytest.fixture(scope="session")
def notices_later(harbour: Harbour) -> Mapping[str, str]:
    """The notices when the fourth host joins: one is gone, one says something else, one is new."""
    _, changed = harbour.notices
    return {changed: f"changed {secrets.token_hex(4)}", "late": f"late {secrets.token_hex(4)}"}


@pytest.fixture(scope="session")
def grown(
    play: Play, playbooks: Playbooks, crew: tuple[Host, ...], repaired: Round, notices_later: Mapping[str, str]
) -> Round:
    """A run with the fourth host in the inventory, and other notices; all boards are up when it begins."""
    if not repaired.shown[crew[2].name].ready:
        playbooks.by_hand({f"{crew[2].user}@{crew[2].service}": "sv -w 20 start board\n"})
    return play(crew, notices=notices_later)


@pytest.fixture(scope="session")
def refused(play: Play, crew: tuple[Host, ...], grown: Round) -> Round:
    """A run with an impossible berth on the last host, and notices that would have to be written on all."""
    _ = grown
    wrong = replace(crew[3], variables={**crew[3].variables, "berth": _CHANCE.choice((0, 100, 4_711, -3))})
    return play((*crew[:3], wrong), notices={"never": "to be seen"})
