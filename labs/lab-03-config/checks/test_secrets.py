"""Where the token is, and where it is not."""

from typing import Protocol

from graders.ansible.inventories import Host
from graders.ansible.playbooks import Vaulted, files_of, holding
from graders.ansible.rounds import Fleet, Round
from graders.containers.contents import disguises
from mde_grader.checking import expect, requirement
from mde_grader.checking.context import Submission

GIVEN = ("Ebbe-und-Flut-1962", "Kran-7-Kai-19")


class Harbour(Protocol):
    """What is needed of this attempt's inventory."""

    token: str


@requirement("vault")
def test_the_token_is_in_a_vault(submission: Submission, prepared: Vaulted) -> None:
    """The token stands in a vault with the brief's password, and neither of the two stands anywhere in clear."""
    for secret, what in zip(GIVEN, ("the vault's password", "the token"), strict=True):
        told = holding(files_of(submission.root), disguises(secret).values())
        expect(
            not told,
            expected=f"{what} is in no file that is handed in, in whatever form",
            seen=", ".join(told),
            look=f"grep -rn {secret} .",
        )
    shut = [path for path, count in prepared.opened.items() if count < 0]
    expect(
        not shut,
        expected="every vault opens with the password of the brief",
        seen=f"{', '.join(shut)} does not",
        look="ansible-vault view group_vars/*/vault.yml",
    )
    expect(
        sum(prepared.opened.values()) > 0,
        expected="a vault with the token of the brief in it",
        seen=f"vaults without it: {', '.join(prepared.opened)}" if prepared.opened else "no vault",
        look="ansible-vault view group_vars/*/vault.yml",
    )


@requirement("vault")
def test_the_vaults_token_opens_the_tides(first: Round, crew: tuple[Host, ...], harbour: Harbour) -> None:
    """With another token in the same vault, the boards are opened by that one, and not by the one of the brief."""
    for host in crew[:3]:
        doors = first.shown[host.name].doors
        expect(
            (doors[harbour.token], doors[GIVEN[1]]) == (200, 403),
            expected="200 from /tides for the token that the vault held in this attempt, 403 for the brief's",
            seen=f"{host.name}: {doors[harbour.token]} and {doors[GIVEN[1]]}",
            look="curl -i -H 'Authorization: Bearer TOKEN' localhost:8431/tides",
        )


@requirement("closed")
def test_nobody_else_can_read_it(fleet: Fleet, first: Round, crew: tuple[Host, ...], harbour: Harbour) -> None:
    """Every file on a host that holds the token is closed to others, and the board does not show it."""
    for name, machine in fleet.machines(crew[:3]).items():
        for folder in ("/srv", "/home", "/tmp", "/run"):  # noqa: S108 - of the hosts
            entries = {**machine.entries(folder), **first.after[name]}
            held = machine.holding(folder, harbour.token)
            readable = [path for path in held if path in entries and entries[path].mode & 0o077]
            expect(
                not readable,
                expected="only files of mode 0600 hold the token",
                seen=f"{name}: {', '.join(readable)}",
                look="grep -rl TOKEN /srv /home /tmp on a host; ls -l /srv/board/token",
            )
        told = [key for key, text in first.shown[name].settings.items() if harbour.token in text]
        expect(
            not told,
            expected="the token is none of the settings that the board shows",
            seen=f"{name} shows it as {', '.join(told)}",
            look="curl localhost:8431/",
        )


@requirement("closed")
def test_the_output_does_not_tell_it(first: Round, second: Round, repaired: Round, harbour: Harbour) -> None:
    """The output of no run has the token in it, not even with --diff."""
    for round_, what in ((first, "a first run with --diff"), (second, "a second run"), (repaired, "a repair")):
        expect(
            harbour.token not in round_.played.output,
            expected="no output of ansible-playbook has the token in it",
            seen=f"the output of {what} has",
            look="ansible-playbook -i practice/hosts.yml site.yml --diff | grep TOKEN",
        )
