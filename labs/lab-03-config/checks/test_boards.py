"""What the boards show after the first run."""

from collections.abc import Callable, Mapping
from typing import Protocol

from graders.ansible.boards import Words, plain
from graders.ansible.inventories import Host
from graders.ansible.rounds import Round
from mde_grader.checking import expect, requirement

RUN = "ansible-playbook -i practice/hosts.yml site.yml"
Due = Callable[[Host, tuple[Host, ...]], Mapping[str, Words]]


class Harbour(Protocol):
    """What is needed of this attempt's inventory."""

    port: int
    notices: Mapping[str, str]


@requirement("converges")
def test_bare_hosts(first: Round, crew: tuple[Host, ...], harbour: Harbour) -> None:
    """Three hosts that nobody has touched serve their boards after one run."""
    expect(
        first.played.ran.ok,
        expected="ansible-playbook site.yml ends with exit code 0",
        seen=first.played.end,
        look=RUN,
        said=first.played.told,
    )
    for host in crew[:3]:
        board = first.shown[host.name]
        expect(
            board.ready,
            expected=f"after the run the board of every host is ready on its board_port, here {harbour.port}",
            seen=f"{host.name} is not",
            look="curl -i localhost:8431/ready; sv status board on the host",
            said=first.played.told,
        )
        missing = {name: text for name, text in harbour.notices.items() if board.notices.get(name) != text}
        expect(
            not missing,
            expected=f"every notice of the inventory is shown, such as {next(iter(missing.items()), None)}",
            seen=f"{host.name} shows {dict(board.notices)}",
            look="curl localhost:8431/notices; ls /srv/board/notices on the host",
        )


@requirement("own-values")
def test_what_is_a_boards_own(first: Round, crew: tuple[Host, ...], own: Due) -> None:
    """Each board shows its name, its machine's own name, its berth, and the other boards of the inventory."""
    for host in crew[:3]:
        wanted = own(host, crew[:3])
        seen = first.shown[host.name].words(wanted)
        expect(
            seen == wanted,
            expected=f"{host.name} shows {plain(wanted)}",
            seen=plain(seen),
            look="curl localhost:8431/; cat /srv/board/board.conf on the host",
        )


@requirement("group-values")
def test_what_a_group_says(first: Round, crew: tuple[Host, ...], common: Due) -> None:
    """The unit is the one of the board's group, and the flood level that of all boards."""
    for host in crew[:3]:
        wanted = common(host, crew[:3])
        seen = first.shown[host.name].words(wanted)
        expect(
            seen == wanted,
            expected=f"{host.name}, which is in the group {host.group}, shows {plain(wanted)}",
            seen=plain(seen),
            look="ansible-inventory -i practice/hosts.yml --playbook-dir . --host board-1",
        )
