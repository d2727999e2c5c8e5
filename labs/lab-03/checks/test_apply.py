"""Whether it comes up at all, by which means, and what it tells."""

from collections.abc import Mapping, Sequence
from typing import Any

from graders.cloud.networks import private_subnets
from graders.containers.contents import disguises
from graders.terraform.campaign import Campaign
from graders.terraform.doors import credentials, side_doors
from mde_grader.checking import expect, requirement

PASSWORD = "aws ssm get-parameter --with-decryption --query Parameter.Value --output text --name"  # noqa: S105 - its name
PROVIDERS = frozenset({"registry.terraform.io/hashicorp/aws", "registry.opentofu.org/hashicorp/aws"})


@requirement("applies")
def test_comes_up(campaign: Campaign[Any]) -> None:
    """From a folder with nothing but your files, init, plan and apply end well."""
    stand = campaign.first.result()
    expect(
        stand.state.managed,
        expected="at least one resource in the state after the apply",
        seen="an empty state",
        look="terraform state list",
    )


@requirement("declared")
def test_no_side_doors(campaign: Campaign[Any]) -> None:
    """Nothing is made by scripts, imports, other providers or other endpoints."""
    plan, _ = campaign.shown.result()
    found = side_doors(plan, providers=PROVIDERS)
    expect(
        not found,
        expected="resources and data sources of the AWS provider, which makes all that there is",
        seen="; ".join(found[:4]),
        look="grep -rnE 'provisioner|import *{|endpoints|external|http' --include='*.tf*' .",
    )


@requirement("declared")
def test_all_is_claimed(campaign: Campaign[Any]) -> None:
    """Everything that came into the cloud during the apply is in the state."""
    stand = campaign.first.result()
    strange = campaign.strangers(stand)
    expect(
        not strange,
        expected="whatever the apply makes is a resource in the state",
        seen=f"in the cloud and not in the state: {', '.join(strange[:5])}",
        look="terraform state list",
    )


@requirement("no-secret")
def test_password_is_nowhere(campaign: Campaign[Any], given: Mapping[str, str]) -> None:
    """The team's password is in no plan, no state, no output and no user data."""
    stand = campaign.first.result()
    _, plan = campaign.shown.result()
    places = {
        "the plan": plan,
        "the state": stand.raw.decode("utf-8", "replace"),
        "the user data of a server": "\n".join(stand.estate.user_data.values()),
    }
    forms = disguises(given["DB_PASSWORD"])
    found = [f"{where}, {how}" for where, text in places.items() for how, form in forms.items() if form in text]
    expect(
        not found,
        expected="the password stays in the parameter store, and servers read it when they start",
        seen=f"it is in {'; in '.join(found[:3])}",
        look=f"p=$({PASSWORD} {stand.wanted.parameter}); terraform show -json | grep -c $p",
    )


@requirement("no-secret")
def test_no_keys_in_code(campaign: Campaign[Any]) -> None:
    """No provider has credentials written into the configuration."""
    plan, _ = campaign.shown.result()
    found = credentials(plan)
    expect(
        not found,
        expected="credentials come from the environment of whoever runs Terraform",
        seen="; ".join(found),
        look="grep -rnE 'access_key|secret_key|token' --include='*.tf*' .",
    )


@requirement("outputs")
def test_outputs_are_true(campaign: Campaign[Any]) -> None:
    """Each of the nine outputs names what there is in the cloud."""
    stand = campaign.first.result()
    truth = _truth(stand.estate)
    wrong = [
        f"{name} is {_shown(stand.state.outputs.get(name))}, the cloud has {_shown(real)}"
        for name, real in truth.items()
        if _comparable(stand.state.outputs.get(name)) != _comparable(real)
    ]
    expect(
        not wrong,
        expected=f"the outputs {', '.join(truth)}, each as it is in the cloud",
        seen="; ".join(wrong[:3]),
        look="terraform output",
    )


def _truth(estate: Any) -> dict[str, Any]:  # noqa: ANN401
    used = {group["GroupId"] for server in estate.instances for group in server.get("SecurityGroups", ())}
    rest = [group["GroupId"] for group in estate.groups if group["GroupId"] not in used]
    return {
        "vpc_id": _only([vpc["VpcId"] for vpc in estate.vpcs]),
        "private_subnet_ids": [subnet["SubnetId"] for subnet in private_subnets(estate)],
        "app_security_group_id": _only(sorted(used)),
        "database_security_group_id": _only(rest),
        "app_instance_ids": [server["InstanceId"] for server in estate.instances],
        "app_role_arn": _only([role.arn for role in estate.roles if role.name in estate.profiles.values()]),
        "bucket_name": _only([bucket.name for bucket in estate.buckets]),
        "table_name": _only([table["TableName"] for table in estate.tables]),
        "log_group_name": _only([group["logGroupName"] for group in estate.log_groups]),
    }


def _only(found: Sequence[str]) -> str:
    return found[0] if len(found) == 1 else ""


def _comparable(value: object) -> object:
    """Lists are compared as sets: no order was asked for."""
    return sorted(map(str, value)) if isinstance(value, list) else value


def _shown(value: object) -> str:
    return "missing" if value is None else (str(value) or "nothing of the kind, or more than one")
