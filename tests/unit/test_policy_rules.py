from __future__ import annotations

import re
from pathlib import Path

from mde_grader.runtimes.policy.rules import RULES
from mde_grader.submissions import LEFT_OUT

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs/reference/policy.md").read_text()


def test_every_rule_is_written_down_as_it_is_in_the_code() -> None:
    assert dict(re.findall(r"^\| `([a-z.-]+)` \| (.*) \|$", DOC, re.MULTILINE)) == RULES


def test_every_rule_that_the_code_names_is_in_the_table_and_the_other_way_round() -> None:
    sources = [
        *(ROOT / "src/mde_grader/runtimes/policy").glob("*.py"),
        *(ROOT / "src/mde_grader" / name for name in ("submissions.py", "dialects.py")),
    ]
    text = "".join(path.read_text() for path in sources if path.name != "rules.py")
    used = set(re.findall(r'"((?:submission|dockerfile|compose)\.[a-z][a-z-]+)"', text))
    used |= {f"submission.{rule}" for rule in re.findall(r'_refuse\(\s*"([a-z-]+)"', text)}
    assert used - RULES.keys() - {"compose.yml"} == set()
    assert RULES.keys() - used == set()


def test_every_folder_that_is_left_out_is_written_down() -> None:
    assert all(f"`{name}`" in DOC for name in LEFT_OUT)
