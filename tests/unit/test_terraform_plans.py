"""Plans that Terraform 1.11.4 with the AWS provider 5.100.0 wrote against the lab's cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders.terraform.plans import Plan, read_plan

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
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_plan(text)


@pytest.mark.parametrize("odd", [None, 1, "x", [1], {"a": 1}, [{"change": 7, "provisioners": 3}]])
def test_an_odd_shape_is_read_as_empty(odd: object) -> None:
    root = {"resources": odd, "module_calls": odd}
    whole = {"resource_changes": odd, "configuration": {"root_module": root, "provider_config": odd}}
    assert read_plan(json.dumps(whole)).provisioners == ()
