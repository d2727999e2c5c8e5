"""What happens when the harbour grows, and when its inventory is wrong."""

from collections.abc import Callable, Mapping

from graders.ansible.boards import Words, plain
from graders.ansible.inventories import Host
from graders.ansible.rounds import Round
from mde_grader.checking import expect, requirement

RUN = "ansible-playbook -i practice/hosts.yml site.yml"
Due = Callable[[Host, tuple[Host, ...]], Mapping[str, Words]]


@requirement("fourth-host")
def test_a_fourth_host(
    grown: Round, crew: tuple[Host, ...], own: Due, common: Due, notices_later: Mapping[str, str]
) -> None:
    """When a host is added to the inventory, the next run makes its board, and the others show it."""
    expect(
        grown.played.ran.ok,
        expected="a run with a fourth host in the inventory ends with exit code 0",
        seen=grown.played.end,
        look=RUN,
        said=grown.played.told,
    )
    joined = crew[3]
    board = grown.shown[joined.name]
    expect(
        board.ready and set(notices_later.items()) <= set(board.notices.items()),
        expected="the board of the new host is ready after the run, with every notice of the inventory",
        seen=f"{joined.name} is {'ready' if board.ready else 'not ready'} and shows {dict(board.notices)}",
        look=f"add a host to practice/hosts.yml, and: {RUN}",
        said=grown.played.told,
    )
    for host in crew:
        wanted = {**own(host, crew), **(common(host, crew) if host is joined else {})}
        seen = grown.shown[host.name].words(wanted)
        expect(
            seen == wanted,
            expected=f"with a fourth host in the inventory {host.name} shows {plain(wanted)}",
            seen=plain(seen),
            look=f"add a host to practice/hosts.yml, and: {RUN}; curl localhost:8431/",
            said=grown.played.told,
        )


@requirement("rolling")
def test_one_after_the_other(grown: Round, crew: tuple[Host, ...]) -> None:
    """While all boards restart for new settings, at most one of them is away."""
    names = [host.name for host in crew[:3]]
    still = [name for name in names if not grown.starts(name)]
    expect(
        not still,
        expected="all boards restart when a peer is added to their settings",
        seen=f"none of {', '.join(still)}",
        look=RUN,
        said=grown.played.told,
    )
    away = grown.away(names)
    expect(
        len(away) <= 1,
        expected="at any moment at most one of the three boards is not ready",
        seen=f"{', '.join(away)} were away at the same time",
        look=f"ask all boards for /ready in a loop, during: {RUN}",
    )


@requirement("refuses")
def test_an_impossible_berth(refused: Round, crew: tuple[Host, ...]) -> None:
    """With an impossible berth on one host the run fails, and no host is changed."""
    ran = refused.played.ran
    expect(
        ran.exit_code not in {0, None},
        expected="a run with a berth that is not from 1 to 99 ends with an exit code other than 0",
        seen=refused.played.end,
        look=f"write berth: 0 into practice/hosts.yml, and: {RUN}",
        said=refused.played.told,
    )
    for host in crew:
        changed = refused.touched(host.name)
        expect(
            not changed and not refused.starts(host.name),
            expected="a run that refuses a berth changes no host",
            seen=f"{host.name}: {', '.join(changed) or 'its board restarted'}",
            look=f"write berth: 0 into practice/hosts.yml, change a notice, and: {RUN}",
            said=refused.played.told,
        )
