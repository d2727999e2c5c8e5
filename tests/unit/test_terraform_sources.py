from __future__ import annotations

import pytest

from graders.terraform.sources import ignores_all, split, why_left_out


@pytest.mark.parametrize(
    "path",
    [
        "main.tf",
        "main.tf.json",
        "envs/dev.tfvars",
        "terraform.tfvars.json",
        "modules/net/variables.tf",
        "templates/user-data.sh.tftpl",
        "policies/role.json",
        "overrides.tf",
        "plugins/notes.md",
        "README.md",
    ],
)
def test_what_a_configuration_is_made_of_goes(path: str) -> None:
    assert why_left_out(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "terraform.tfstate.1699.backup",
        "terraform.tfstate.d/dev/x",
        "override.tf",
        "override.tf.json",
        "lab_override.tf",
        "modules/net/x_override.tf.json",
        ".terraform/providers/x",
        ".terraform.lock.hcl",
        ".terraformrc",
        "terraform.rc",
        "cli.tfrc",
        "terraform.d/plugins/x",
        "x/tf-plugins/y",
        "registry.terraform.io/hashicorp/aws/x",
        "terraform-provider-aws_v5",
        "crash.log",
        "crash.1.log",
        "out.tfplan",
        ".git/config",
    ],
)
def test_what_would_decide_instead_of_the_configuration_does_not(path: str) -> None:
    assert why_left_out(path)


def test_a_submission_is_split() -> None:
    assert split(["b.tf", "a.tf", "terraform.tfstate"]) == (
        ["a.tf", "b.tf"],
        {"terraform.tfstate": "a state: what exists is decided by what is applied"},
    )


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.tf", "lifecycle {\n  ignore_changes = all\n}", True),
        ("a.tf", "lifecycle { ignore_changes=[ all ] }", True),
        ("a.tf", "lifecycle { ignore_changes = /* x */ all }", True),
        ("a.tf.json", '{"lifecycle": {"ignore_changes": "all"}}', True),
        ("a.tf", "lifecycle { ignore_changes = [tags] }", False),
        ("a.tf", "# ignore_changes = all", False),
        ("a.tf", "// ignore_changes = all\n/* ignore_changes = all */", False),
        ("a.tf", 'description = "ignore_changes = all \\" # "', False),
        ("a.md", "ignore_changes = all", False),
    ],
)
def test_ignoring_every_change_is_seen_in_the_text(path: str, text: str, *, found: bool) -> None:
    assert ignores_all({path: text}) == ([path] if found else [])
