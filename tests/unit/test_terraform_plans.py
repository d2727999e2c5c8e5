"""Plans, states and messages that Terraform 1.11.4 with the AWS provider 5.100.0 wrote against the lab's cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders.terraform.messages import diagnostics, first_error, hooks
from graders.terraform.plans import Plan, read_plan
from graders.terraform.states import read_state
from graders.terraform.values import parsed, texts

SAMPLES = Path(__file__).parent / "terraform_samples"


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(sample("plan.json"))


def test_a_plan_tells_what_would_change(plan: Plan) -> None:
    assert {change.address: change.actions for change in plan.acting} == {
        "aws_ssm_parameter.p": ("create",),
        "terraform_data.x": ("create",),
        "module.net.aws_s3_bucket.b": ("create",),
    }
    assert plan.outputs == {"plain": ("create",), "secret": ("create",)}
    assert not plan.empty
    assert not plan.errored


def test_a_plan_tells_the_means_that_a_lab_may_refuse(plan: Plan) -> None:
    assert plan.provisioners == (("terraform_data.x", "local-exec"), ("terraform_data.x", "local-exec"))
    assert plan.imports == ("aws_sns_topic.t",)
    assert plan.modules == (("module.net", "./mod"),)
    assert plan.foreign_modules == ()
    assert [(p.key, p.alias) for p in plan.providers if "endpoints" in p.arguments] == [("aws.other", "other")]
    assert "aws_s3_bucket" in plan.resource_types


def test_modules_in_modules_are_looked_into() -> None:
    inner = {
        "resources": [{"address": "data.http.x", "mode": "data", "type": "http"}],
        "module_calls": {"deep": {"source": "git::https://example.org/x.git", "module": {}}},
    }
    root = {"module_calls": {"a": {"source": "../shared", "module": inner}}}
    plan = read_plan(json.dumps({"configuration": {"root_module": root}}))
    assert plan.modules == (("module.a", "../shared"), ("module.a.module.deep", "git::https://example.org/x.git"))
    assert plan.foreign_modules == (("module.a.module.deep", "git::https://example.org/x.git"),)
    assert plan.resource_types == {"data.http"}
    assert plan.empty


def test_drift_tells_what_was_changed_by_hand() -> None:
    plan = read_plan(sample("drift.json"))
    drift = {change.address: change.actions for change in plan.drift}
    assert drift == {"aws_ssm_parameter.p": ("update",), "module.net.aws_s3_bucket.b": ("delete",)}
    assert plan.drift[0].before["value"] != plan.drift[0].after["value"]
    healed = {change.address for change in plan.acting}
    assert healed == {"module.net.aws_s3_bucket.b"}, "the parameter ignores all changes"


@pytest.mark.parametrize("actions", [["no-op"], ["read"]])
def test_a_plan_that_only_reads_is_empty(actions: list[str]) -> None:
    rows = [{"address": "a", "mode": "managed", "change": {"actions": actions}}]
    assert read_plan(json.dumps({"resource_changes": rows})).empty
    assert not read_plan(json.dumps({"resource_changes": rows, "errored": True})).empty


@pytest.mark.parametrize("text", ["", "[]", "{}", "nope", "[" * 100_000])
def test_what_is_no_plan_and_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_plan(text)
    with pytest.raises(ValueError, match=r".+"):
        read_state(text)


@pytest.mark.parametrize("odd", [None, 1, "x", [1], {"a": 1}, [{"change": 7, "provisioners": 3}]])
def test_an_odd_shape_is_read_as_empty(odd: object) -> None:
    root = {"resources": odd, "module_calls": odd}
    whole = {"resource_changes": odd, "configuration": {"root_module": root, "provider_config": odd}}
    assert read_plan(json.dumps(whole)).provisioners == ()
    state = {"format_version": "1.0", "values": {"root_module": {"resources": odd, "child_modules": odd}}}
    read_state(json.dumps(state))


def test_a_state_tells_resources_of_all_modules_and_outputs() -> None:
    state = read_state(sample("state.json"))
    assert {resource.address for resource in state.managed} == {
        "aws_sns_topic.t",
        "aws_ssm_parameter.p",
        "terraform_data.x",
        "module.net.aws_s3_bucket.b",
    }
    assert next(r.id for r in state.resources if r.type == "aws_s3_bucket") == "atlas-mod"
    assert state.outputs["secret"].sensitive
    assert state.outputs["plain"].value == "seen"


def test_an_empty_state_has_nothing() -> None:
    state = read_state('{"format_version": "1.0"}')
    assert state.resources == ()
    assert state.outputs == {}


def test_every_text_of_a_document_can_be_searched() -> None:
    assert "hunter2" in set(texts(parsed(sample("state.json"))))


def test_a_failure_is_told_in_one_line() -> None:
    found = diagnostics(sample("failed.jsonl"))
    assert [one.severity for one in found] == ["error"]
    assert found[0].address == ""
    assert first_error(sample("failed.jsonl")).startswith("Cannot import non-existent remote object: While attempting")
    assert "\n" not in first_error(sample("failed.jsonl"))


def test_a_place_and_a_resource_stand_before_the_words() -> None:
    row = {
        "severity": "error",
        "summary": "Unsupported argument",
        "address": "aws_vpc.v",
        "range": {"filename": "main.tf", "start": {"line": 3}},
    }
    valid = json.dumps({"valid": False, "diagnostics": [row]}, indent=2)
    assert first_error(valid) == "main.tf:3 (aws_vpc.v): Unsupported argument"


def test_an_error_for_people_is_found_as_well() -> None:
    assert first_error("╷\n│ Error: No configuration files\n│ \n│ Plan requires") == "No configuration files"
    assert first_error("all well", "ended with 1") == "ended with 1"
    assert len(first_error(json.dumps({"diagnostics": [{"severity": "error", "detail": "x" * 999}]}))) == 400


def test_hooks_tell_what_happened_to_each_resource() -> None:
    done = [hook.address for hook in hooks(sample("applied.jsonl")) if hook.kind == "apply_complete"]
    assert set(done) >= {"aws_ssm_parameter.p", "module.net.aws_s3_bucket.b", "terraform_data.x"}
    assert hooks('{"hook": 3}\n{"type":"x","hook":{"elapsed_seconds":"long"}}\n{broken')[1].seconds == 0.0
