"""What is read out of Ansible's words, and what is written for it."""

from __future__ import annotations

import json

import pytest

from graders.ansible.inventories import Host, inventory
from graders.ansible.recaps import Recap, changes_told, first_failure, recaps

OUTPUT = """
PLAY [Boards] ******************

TASK [Folders] *****************
ok: [kai-1]

TASK [Settings] ****************
\x1b[0;33mchanged: [kai-1]\x1b[0m

RUNNING HANDLER [Restart] ******
fatal: [kai-2]: FAILED! => {"msg": "no"}

PLAY RECAP *********************************************************************
kai-1                      : ok=9    changed=6    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
\x1b[0;31mkai-2\x1b[0m                      : ok=8    changed=0    unreachable=1    failed=2    skipped=1
"""


def test_a_recap() -> None:
    assert recaps(OUTPUT) == {"kai-1": Recap(9, 6, 0, 0), "kai-2": Recap(8, 0, 1, 2)}


@pytest.mark.parametrize("output", ["", "kai-1 : ok=1 changed=1 unreachable=0 failed=0", "PLAY RECAP: none"])
def test_no_recap(output: str) -> None:
    assert recaps(output) == {}


def test_the_last_recap_counts() -> None:
    told = "PLAY RECAP ***\na : ok=1 changed=0 unreachable=0 failed=0\n"
    assert recaps(told + OUTPUT).keys() == {"kai-1", "kai-2"}


def test_changes_are_told_under_their_task() -> None:
    assert changes_told(OUTPUT).splitlines() == [
        "TASK [Settings] ****************",
        "changed: [kai-1]",
        "RUNNING HANDLER [Restart] ******",
        'fatal: [kai-2]: FAILED! => {"msg": "no"}',
    ]
    assert changes_told("changed: [alone]") == "changed: [alone]"


def test_the_first_failure() -> None:
    assert first_failure(OUTPUT) == 'fatal: [kai-2]: FAILED! => {"msg": "no"}'
    assert first_failure("[ERROR]: " + "x" * 400) == "[ERROR]: " + "x" * 291
    assert first_failure("all is well") == ""


def test_an_inventory() -> None:
    hosts = [
        Host("a", "north", "target-1", "deploy1", {"berth": 4, "ansible_host": "10.0.0.2"}),
        Host("b", "south", "target-2", "deploy2"),
        Host("c", "north", "target-3", "deploy3"),
    ]
    written = json.loads(inventory("boards", hosts, {"port": 1}))
    north = written["boards"]["children"]["north"]["hosts"]
    assert north == {
        "a": {"ansible_host": "10.0.0.2", "ansible_user": "deploy1", "berth": 4},
        "c": {"ansible_host": "target-3", "ansible_user": "deploy3"},
    }
    assert written["boards"]["children"]["south"]["hosts"].keys() == {"b"}
    assert written["boards"]["vars"] == {"port": 1}
