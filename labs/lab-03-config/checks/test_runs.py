"""What runs change, and what they leave alone."""

from collections.abc import Mapping
from typing import Protocol

from graders.ansible.inventories import Host
from graders.ansible.machines import touched, unlike
from graders.ansible.rounds import Round
from mde_grader.checking import expect, requirement

RUN = "ansible-playbook -i practice/hosts.yml site.yml"
SETTINGS, TOKEN = "/srv/board/board.conf", "/srv/board/token"


class Damage(Protocol):
    """What is needed of what was broken by hand."""

    stray: str
    edited: str


@requirement("idempotent")
def test_a_second_run(second: Round, crew: tuple[Host, ...]) -> None:
    """When the same is run again, no file is written, nothing restarts, and the recap says changed=0."""
    expect(
        second.played.ran.ok,
        expected="a second run ends with exit code 0",
        seen=second.played.end,
        look=RUN,
        said=second.played.told,
    )
    _insist_on_no_change(second, crew[:3], "a second run")
    for host in crew[:3]:
        told = second.played.recap.get(host.name)
        expect(
            told is not None and told.changed == 0,
            expected="changed=0 for every host in the recap of the second run",
            seen=f"{host.name}: {f'changed={told.changed}' if told else 'no recap'}",
            look=f"{RUN} twice",
            said=second.played.told,
        )


@requirement("honest-check")
def test_check_mode(predicted: Round, crew: tuple[Host, ...]) -> None:
    """With --check nothing changes, and the recap counts changes on the hosts that are broken and on no other."""
    expect(
        predicted.played.ran.ok,
        expected="a run with --check --diff ends with exit code 0",
        seen=predicted.played.end,
        look=f"{RUN} --check --diff",
        said=predicted.played.told,
    )
    _insist_on_no_change(predicted, crew[:3], "a run with --check")
    for host, broken in zip(crew[:3], (True, True, False), strict=True):
        told = predicted.played.recap.get(host.name)
        expect(
            told is not None and (told.changed > 0) is broken,
            expected="changes foretold where a file was broken by hand, and none where all is well",
            seen=f"{host.name}, where {'a file was broken' if broken else 'all is well'}: "
            f"{f'changed={told.changed}' if told else 'no recap'}",
            look=f"break a file on a host, and: {RUN} --check --diff",
            said=predicted.played.told,
        )


@requirement("limit")
def test_a_limited_run(limited: Round, second: Round, crew: tuple[Host, ...]) -> None:
    """A run with --limit puts its host right, and leaves another one as broken as it was."""
    chosen, *others = crew[:3]
    expect(
        limited.played.ran.ok,
        expected="a run with --limit ends with exit code 0",
        seen=limited.played.end,
        look=f"{RUN} --limit board-1",
        said=limited.played.told,
    )
    _insist_on_no_change(limited, others, f"a run with --limit {chosen.name}")
    wrong = [path for path in unlike(second.after[chosen.name], limited.after[chosen.name]) if path == SETTINGS]
    expect(
        not wrong,
        expected=f"{chosen.name} has the settings back that a run without a limit gives it",
        seen=f"other content or another mode: {', '.join(wrong)}",
        look=f"break {SETTINGS} on board-1, and: {RUN} --diff --limit board-1",
        said=limited.played.told,
    )


@requirement("repairs")
def test_what_was_broken_is_put_right(repaired: Round, second: Round, crew: tuple[Host, ...], damage: Damage) -> None:
    """An edited file, a wrong mode and a stopped board are all put right by the next run."""
    expect(
        repaired.played.ran.ok,
        expected="a run over hosts that were broken by hand ends with exit code 0",
        seen=repaired.played.end,
        look=RUN,
        said=repaired.played.told,
    )
    for host in crew[:3]:
        wrong = [path for path in unlike(second.after[host.name], repaired.after[host.name]) if path != damage.stray]
        expect(
            not wrong,
            expected="every file has its content and its mode back",
            seen=f"{host.name}: {', '.join(wrong)}",
            look=f"chmod 0666 {TOKEN} on a host, and: {RUN}; ls -l {TOKEN}",
            said=repaired.played.told,
        )
        expect(
            repaired.shown[host.name].ready,
            expected="a board that was stopped by hand runs again",
            seen=f"{host.name} is not ready",
            look=f"sv down board on a host, and: {RUN}; sv status board",
            said=repaired.played.told,
        )


@requirement("spares")
def test_what_was_right_is_left_alone(limited: Round, repaired: Round, crew: tuple[Host, ...], damage: Damage) -> None:
    """A run over broken hosts writes what is broken, and no other file."""
    allowed = [
        (limited, crew[0], {SETTINGS, damage.stray}),
        (repaired, crew[0], {damage.stray}),
        (repaired, crew[1], {damage.edited}),
        (repaired, crew[2], {TOKEN}),
    ]
    for round_, host, broken in allowed:
        more = [path for path in round_.touched(host.name) if path not in broken]
        expect(
            not more,
            expected=f"only what was broken is written: {', '.join(sorted(broken))}",
            seen=f"{host.name}: also {', '.join(more)}",
            look="ls -li --time-style=full-iso /srv/board on a host, before and after a run",
            said=round_.played.told,
        )


@requirement("handlers")
def test_restarts(  # noqa: PLR0913, PLR0917
    second: Round, limited: Round, repaired: Round, grown: Round, crew: tuple[Host, ...], damage: Damage
) -> None:
    """A board restarts once when its settings have changed, and stays up when they have not."""
    wanted = [
        *[(second, host, 0, "a second run, which changes nothing") for host in crew[:3]],
        (limited, crew[0], 1, f"a run that puts {SETTINGS} right"),
        (repaired, crew[0], 0, "a run in which this host was right"),
        (repaired, crew[1], 0, f"a run that puts a notice right, {damage.edited}"),
        *[(grown, host, 1, "a run that adds a peer to its settings") for host in crew[:3]],
    ]
    for round_, host, count, when in wanted:
        seen = round_.starts(host.name)
        expect(
            seen == count,
            expected=f"{count or 'no'} restart of the board of {host.name} in {when}",
            seen=f"{seen}",
            look=f"sv status board on a host, before and after: {RUN}",
            said=round_.played.told,
        )


@requirement("strays")
def test_strays(repaired: Round, grown: Round, crew: tuple[Host, ...], damage: Damage,
                notices_later: Mapping[str, str]) -> None:  # fmt: skip
    """A notice that was put there by hand goes, and so does one that is no longer in the inventory."""
    expect(
        damage.stray not in repaired.after[crew[0].name],
        expected="a file among the notices that is none of the inventory's is removed",
        seen=f"{damage.stray} is still there",
        look=f"touch {damage.stray} on a host, and: {RUN}",
        said=repaired.played.told,
    )
    for host in crew[:3]:
        more = sorted(set(grown.shown[host.name].notices) - set(notices_later))
        expect(
            not more,
            expected=f"only the notices of the inventory are shown: {', '.join(sorted(notices_later))}",
            seen=f"{host.name} also shows {', '.join(more)}",
            look=f"take a notice out of practice/hosts.yml, and: {RUN}; ls /srv/board/notices",
            said=grown.played.told,
        )


def _insist_on_no_change(round_: Round, hosts: tuple[Host, ...] | list[Host], what: str) -> None:
    for host in hosts:
        changed = touched(round_.before[host.name], round_.after[host.name])
        restarts = round_.starts(host.name)
        expect(
            not changed and not restarts,
            expected=f"{what} writes no file and restarts no board on {host.name}",
            seen=", ".join([*changed, *([f"{restarts} restarts of the board"] if restarts else [])]),
            look="ls -li --time-style=full-iso /srv/board, and sv status board, before and after",
            said=round_.played.told,
        )
