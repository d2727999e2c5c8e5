"""Terraform's commands in a workspace, and what a candidate is told of a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from graders.terraform.commands import Terraform
from graders.terraform.configuration import FILE_LIMIT, configuration, whole_configuration
from graders.terraform.doors import credentials, side_doors
from graders.terraform.failures import cause, complaints, errors, refused
from graders.terraform.plans import read_plan
from graders.terraform.statefiles import read_statefile
from mde_grader.checking import CheckFailedError
from mde_grader.runtimes.commands import Ran

AWS = "registry.terraform.io/hashicorp/aws"


@dataclass
class Workspace:
    """Ends each command as it is told, and remembers it."""

    ends: Mapping[str, Ran] = field(default_factory=dict)
    ran: list[tuple[list[str], str, dict[str, str]]] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        seconds: float,
        folder: str = "",
        environment: Mapping[str, str] | None = None,
        limit: int = 0,
    ) -> Ran:
        assert seconds > 0
        assert limit >= 0
        self.ran.append((list(command), folder, dict(environment or {})))
        return self.ends.get(command[1], Ran(0))


def terraform(**ends: Ran) -> tuple[Terraform, Workspace]:
    workspace = Workspace(ends)
    given = {"environment": "dev", "cidr": "10.0.0.0/16"}
    return Terraform(workspace, "first", given, {"bucket": "states"}, {"AWS_ENDPOINT_URL": "http://1.2.3.4"}), workspace


def test_commands_run_in_the_folder_with_the_variables_and_the_cloud() -> None:
    run, workspace = terraform()
    run.init()
    run.plan("one.tfplan")
    run.apply("one.tfplan")
    run.destroy()
    words = [" ".join(command) for command, _, _ in workspace.ran]
    assert words == [
        "terraform init -input=false -no-color -backend-config=bucket=states",
        "terraform plan -input=false -no-color -out=one.tfplan",
        "terraform apply -input=false -no-color one.tfplan",
        "terraform destroy -input=false -no-color -auto-approve",
    ]
    assert {folder for _, folder, _ in workspace.ran} == {"first"}
    assert workspace.ran[0][2] == {
        "AWS_ENDPOINT_URL": "http://1.2.3.4",
        "TF_VAR_environment": "dev",
        "TF_VAR_cidr": "10.0.0.0/16",
    }


def test_other_values_are_given_for_one_run_only() -> None:
    run, workspace = terraform()
    run.given(cidr="anything").run("plan", seconds=1)
    run.run("plan", seconds=1)
    assert [environment["TF_VAR_cidr"] for _, _, environment in workspace.ran] == ["anything", "10.0.0.0/16"]
    assert run.look("terraform plan") == "terraform plan -var environment=dev -var cidr=10.0.0.0/16"


@pytest.mark.parametrize("command", ["init", "plan", "apply", "destroy", "show"])
def test_a_failure_is_told_with_its_error_and_the_command(command: str) -> None:
    run, _ = terraform(**{command: Ran(1, err="\nError: Something broke\n\nIt was not there.\n")})
    step = getattr(run, command)
    with pytest.raises(CheckFailedError) as caught:
        step("one.tfplan") if command in {"plan", "apply", "show"} else step()
    assert caught.value.evidence.seen == "Something broke: It was not there."
    assert caught.value.evidence.look.startswith(f"terraform {command}")


def test_a_run_that_was_ended_is_told_without_an_error() -> None:
    run, _ = terraform(apply=Ran(None, seconds=120, timed_out=True))
    with pytest.raises(CheckFailedError) as caught:
        run.apply("one.tfplan")
    assert caught.value.evidence.seen == "it did not end within 120 s"


@pytest.mark.parametrize(("code", "changes"), [(0, False), (2, True)])
def test_a_plan_says_whether_it_changes_anything(code: int, changes: bool) -> None:
    run, _ = terraform(plan=Ran(code, out="Plan: 1 to add"))
    assert run.changes("again.tfplan") == (changes, "Plan: 1 to add")


def test_a_lock_that_a_run_has_left_is_taken_off() -> None:
    told = "│ Error: Error acquiring the state lock\n│ Lock Info:\n│   ID:        37a05ac3-4f2d\n"
    run, workspace = terraform(plan=Ran(1, err=told))
    with pytest.raises(CheckFailedError, match="the state is locked"):
        run.changes("again.tfplan")
    assert [command[1] for command, _, _ in workspace.ran] == ["plan", "force-unlock", "plan"]
    assert workspace.ran[1][0][2:] == ["-force", "37a05ac3-4f2d"]


def test_a_plan_that_fails_is_no_plan_without_changes() -> None:
    run, _ = terraform(plan=Ran(1, err="Error: No\n"))
    with pytest.raises(CheckFailedError):
        run.changes("again.tfplan")


def test_a_plan_that_cannot_be_read_is_told() -> None:
    run, _ = terraform(show=Ran(0, out="{"))
    with pytest.raises(CheckFailedError) as caught:
        run.show("one.tfplan")
    assert caught.value.evidence.seen == "1 characters of none"


def test_a_plan_is_shown_parsed_and_as_it_is() -> None:
    text = json.dumps({"configuration": {}, "resource_changes": []})
    run, _ = terraform(show=Ran(0, out=text))
    plan, shown = run.show("one.tfplan")
    assert not plan.changes
    assert shown == text


def plan_of(**configuration: Any) -> str:
    return json.dumps({"configuration": configuration})


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (
            plan_of(
                root_module={"resources": [{"address": "terraform_data.x", "provisioners": [{"type": "local-exec"}]}]}
            ),
            "terraform_data.x runs a provisioner, local-exec",
        ),
        (
            plan_of(root_module={"module_calls": {"net": {"source": "git::https://example.org/net"}}}),
            "module.net comes from git::https://example.org/net",
        ),
        (plan_of(provider_config={"http": {"full_name": "x/http"}}), f"provider x/http is not one of {AWS}"),
        (
            plan_of(provider_config={"aws.two": {"full_name": AWS, "expressions": {"endpoints": [{}]}}}),
            'provider "aws.two" has endpoints of its own',
        ),
        (
            json.dumps({"resource_changes": [{"address": "aws_vpc.x", "change": {"importing": {"id": "vpc-1"}}}]}),
            "aws_vpc.x is imported, not made",
        ),
    ],
)
def test_side_doors_are_told_in_the_words_of_the_configuration(plan: str, told: str) -> None:
    assert side_doors(read_plan(plan), providers=frozenset({AWS})) == [told]


def test_a_plain_configuration_has_no_side_doors() -> None:
    plain = plan_of(
        provider_config={"aws": {"full_name": AWS}, "terraform": {"full_name": "terraform.io/builtin/terraform"}},
        root_module={"module_calls": {"net": {"source": "./net"}}},
    )
    assert not side_doors(read_plan(plain), providers=frozenset({AWS}))
    assert not credentials(read_plan(plain))


def test_credentials_in_a_provider_are_found() -> None:
    keys = {"access_key": {"constant_value": "A"}, "secret_key": {}, "region": {}}
    plan = plan_of(provider_config={"aws": {"full_name": AWS, "expressions": keys}})
    assert credentials(read_plan(plan)) == ['access_key in provider "aws"', 'secret_key in provider "aws"']


BOXED = """
╷
│ Error: Invalid thing
│
│   with aws_vpc.x,
│   on main.tf line 3, in resource "aws_vpc" "x":
│    3:   cidr = 1
│
│ It is not allowed.
╵
Error: Another
"""


def test_errors_are_read_out_of_their_boxes() -> None:
    assert errors(BOXED) == ["main.tf line 3: Invalid thing: It is not allowed.", "Another"]
    assert errors("all is well") == []


def test_the_error_in_a_file_is_told_rather_than_that_there_is_one() -> None:
    general = "Error: Terraform encountered problems during initialisation, described below.\n\n"
    assert errors(f"{general}Error: Unclosed block\n\n  on a.tf line 3:\n") == ["a.tf line 3: Unclosed block"]
    assert len(errors(general)) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Error: Failed to download module", "a module comes from outside"),
        ("Error: Failed to query available provider packages", "a provider, or a version of one"),
        ("Error: No value for required variable", "a variable has no default"),
        ("api error UnsupportedOperation: the lab's cloud does not have this", "the lab's cloud refused it"),
        ("Error: Error acquiring the state lock", "the state is locked"),
    ],
)
def test_what_people_often_meet_is_explained(text: str, why: str) -> None:
    assert cause(text).startswith(why)
    assert not cause("Error: something else")


def complaint(summary: str, detail: str = "", code: str = "") -> str:
    told = {"severity": "error", "summary": summary, "detail": detail, "snippet": {"code": code} if code else None}
    return json.dumps({"type": "diagnostic", "diagnostic": told})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            complaint("Invalid value for variable", "Too small.\n\nThis was checked by ...", 'variable "cidr" {'),
            "Too small.",
        ),
        (complaint("Invalid value for variable", "Too small.", '"cidr": {'), "Too small."),
        (complaint("Resource precondition failed", "cidr is too small."), "cidr is too small."),
        (complaint("cidr is wrong"), "cidr is wrong"),
        (complaint("Error in function call", 'Call to "cidrsubnet" failed', "cidrsubnet(var.cidr, 4, 1)"), ""),
        (complaint("Invalid value for variable", "Too long.", 'variable "environment" {'), ""),
        (complaint("Odd", 'Call to "cidrsubnet" failed', "cidrsubnet(x)"), ""),
        ("not JSON", ""),
        ('{"diagnostic": {"severity": "warning", "summary": "cidr"}}', ""),
    ],
)
def test_a_refusal_is_about_the_variable(line: str, message: str) -> None:
    assert refused(complaints(line), "cidr", alone=True) == message


def test_a_message_about_another_variable_may_name_all_of_them() -> None:
    found = complaints(
        complaint("Invalid value for variable", "environment or cidr is wrong", 'variable "environment" {')
    )
    assert not refused(found, "cidr", alone=False)
    assert refused(found, "environment", alone=False)


STATE: dict[str, Any] = {
    "version": 4,
    "outputs": {"vpc_id": {"value": "vpc-1"}, "odd": 1},
    "resources": [
        {"mode": "data", "type": "aws_ami", "name": "x", "instances": [{"attributes": {"id": "ami-1"}}]},
        {"mode": "managed", "type": "aws_vpc", "name": "x", "instances": [{"attributes": {"id": "vpc-1"}}]},
        {
            "module": "module.net",
            "mode": "managed",
            "type": "aws_subnet",
            "name": "y",
            "instances": [
                {"index_key": 0, "attributes": {"id": "subnet-0"}},
                {"index_key": "b", "attributes": {"id": "subnet-1"}},
                {"attributes": None},
                "odd",
            ],
        },
        "odd",
    ],
}


def test_a_state_says_what_it_claims() -> None:
    state = read_statefile(json.dumps(STATE).encode())
    assert [thing.address for thing in state.managed] == [
        "aws_vpc.x",
        "module.net.aws_subnet.y[0]",
        'module.net.aws_subnet.y["b"]',
    ]
    assert state.ids("aws_subnet") == {"subnet-0", "subnet-1"}
    assert state.address("vpc-1") == "aws_vpc.x"
    assert not state.address("vpc-2")
    assert state.outputs == {"vpc_id": "vpc-1"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": 3}', b"\xff"])
def test_what_is_no_state_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"state|JSON|Expecting|decode"):
        read_statefile(content)


def test_an_empty_state_claims_nothing() -> None:
    assert read_statefile(b'{"version": 4}').managed == ()


def test_a_configuration_is_its_own_files_without_values_and_links(tmp_path: Path) -> None:
    for name in ("main.tf", "net/main.tf.json", "net/start.sh", "terraform.tfvars", ".terraformrc", "x.tfstate"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    (tmp_path / "large.txt").write_bytes(bytes(FILE_LIMIT + 1))
    (tmp_path / "link.tf").symlink_to("main.tf")
    assert configuration(tmp_path) == {
        "main.tf": b"main.tf",
        "net/main.tf.json": b"net/main.tf.json",
        "net/start.sh": b"net/start.sh",
    }
    assert whole_configuration(tmp_path) == configuration(tmp_path)


def test_code_that_would_be_left_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "large.tf").write_bytes(bytes(FILE_LIMIT + 1))
    with pytest.raises(CheckFailedError, match=r"too large: large\.tf"):
        whole_configuration(tmp_path)
