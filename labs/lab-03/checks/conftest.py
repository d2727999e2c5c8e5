"""What the checks of lab-03 share: what is asked for, and the campaign that makes and unmakes it."""

from __future__ import annotations

import contextlib
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from graders.cloud.api import Cloud
from graders.cloud.breaks import EVERY, tried
from graders.cloud.estates import Estate, gather, groups_of
from graders.cloud.firewalls import Asked, excess, missing, openings
from graders.cloud.inventory import Facts, Inventory
from graders.cloud.leftovers import without_public
from graders.cloud.networks import network_faults
from graders.cloud.roles import Deed, role_faults
from graders.cloud.servers import AskedServers, server_faults
from graders.cloud.storage import bucket_faults, log_faults, table_faults, tag_faults
from graders.terraform.campaign import Campaign
from graders.terraform.commands import Terraform
from graders.terraform.configuration import whole_configuration
from graders.terraform.statefiles import State, read_statefile
from mde_grader.checking import CheckFailedError, fail
from mde_grader.checking.context import Submission
from mde_grader.checking.probe import Probe
from mde_grader.checking.workspace import Workspace
from mde_grader.runtimes.base import Stack

ACCOUNT = "123456789012"
STATES = "nordhafen-states"
LOCKS = "nordhafen-locks"
STATE_LIMIT = 8 << 20
STEPS = {
    "declared": ("shown",),
    "no-secret": ("shown",),
    "locked-state": ("locked",),
    "stable": ("stable",),
    "second-environment": ("beside",),
    "drift": ("drift",),
    "validated-inputs": ("refused",),
    "destroy": ("left",),
}
"""Steps of the campaign that the checks of a requirement ask for, beyond the first environment."""
LOCAL_STATE = "terraform.tfstate"
WHOLE = frozenset({"vpc", "subnet", "security-group", "instance", "bucket", "role", "table", "log-group"})
"""Kinds of things that nobody gets without asking for them, but for the default group of a network."""
_PICK = secrets.SystemRandom()

Variant = Mapping[str, str | int]


@dataclass(frozen=True)
class Wanted:
    """One environment as it is asked for."""

    variant: Variant
    name: str
    cidr: str
    servers: int

    @property
    def variables(self) -> dict[str, str]:
        """Values of the configuration's variables."""
        return {"environment": self.name, "cidr": self.cidr, "app_count": str(self.servers)}

    @property
    def key(self) -> str:
        """Where its state belongs in the state bucket."""
        return f"{self.variant['team']}/{self.name}/terraform.tfstate"

    @property
    def parameter(self) -> str:
        """Name of the parameter that holds the team's password."""
        return f"/{self.variant['team']}/db-password"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of everything in it."""
        return {
            "team": str(self.variant["team"]),
            "environment": self.name,
            "cost-center": str(self.variant["cost_center"]),
            "managed-by": "terraform",
        }


@dataclass(frozen=True)
class Stand:
    """An environment as it stands: what its state claims, and what the cloud says of that.

    Attributes:
        wanted: What was asked for.
        state: What its state claims.
        raw: The state as it is.
        remote: The state was found in the state bucket.
        local: A state was found in the folder.
        estate: What the cloud has of what the state claims.
    """

    wanted: Wanted
    state: State
    raw: bytes
    remote: bool
    local: bool
    estate: Estate


class Nordhafen:
    """The cloud of this lab, and what is right in it."""

    def __init__(self, cloud: Cloud, workspace: Workspace, environments: Mapping[str, Wanted], password: str) -> None:
        self._cloud, self._workspace = cloud, workspace
        self._environments, self._password = environments, password

    def prepare(self) -> None:
        """What the platform team has made: a bucket for states, a table for locks, and the team's password."""
        wanted = next(iter(self._environments.values()))
        region = str(wanted.variant["region"])
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._cloud.client("s3").create_bucket(Bucket=STATES, **place)
        self._cloud.client("dynamodb").create_table(
            TableName=LOCKS,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        )
        self._cloud.client("ssm").put_parameter(Name=wanted.parameter, Value=self._password, Type="SecureString")

    def inventory(self) -> Inventory:
        """Everything in the cloud but what the platform team keeps."""
        found = without_public(self._cloud.inventory())
        return {key: facts for key, facts in found.items() if key not in {f"bucket/{STATES}", f"table/{LOCKS}"}}

    def writing(self, terraform: Terraform) -> bool:
        """Whether an apply has made anything by now; only the first environment's can."""
        del terraform
        return any(call.writes and call.action.startswith("Create") for call in self._cloud.calls().entries)

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Meanwhile no apply ends that still has something to make."""
        return self._cloud.held()

    def stand(self, terraform: Terraform) -> Stand:
        """What an environment is like now."""
        wanted = self._environments[terraform.folder]
        local, remote = self._local(terraform.folder), self._remote(wanted.key)
        raw = remote or local
        try:
            state = read_statefile(raw)
        except ValueError:
            fail(
                expected=f"a state in the bucket {STATES} under {wanted.key} once the apply has ended",
                seen="there is none, and none in the folder either" if not raw else "something else than a state",
                look="terraform state list",
            )
        return Stand(wanted, state, raw, bool(remote), bool(local), gather(self._cloud.client, state.ids))

    def _remote(self, key: str) -> bytes:
        s3: Any = self._cloud.client("s3")
        try:
            return bytes(s3.get_object(Bucket=STATES, Key=key)["Body"].read(STATE_LIMIT))
        except s3.exceptions.ClientError:
            return b""

    def _local(self, folder: str) -> bytes:
        with contextlib.suppress(CheckFailedError):
            return self._workspace.read(LOCAL_STATE, folder=folder, limit=STATE_LIMIT)
        return b""

    def faults(self, stand: Stand) -> Mapping[str, Sequence[str]]:
        """All that is wrong with an environment, by what it is about."""
        return faults(stand.estate, stand.wanted)

    def smash(self, stand: Stand) -> Sequence[tuple[str, str]]:
        """Break one thing of each kind by hand, in any order."""
        made = [tried(one, self._cloud.client, stand.estate) for one in _PICK.sample(EVERY, len(EVERY))]
        return [(change.name, change.told) for change in made if change is not None]

    def claimed(self, stand: Stand, key: str, facts: Facts) -> bool:
        """Whether something of the inventory is in the state, or came by itself with a network or a server."""
        kind, _, identity = key.partition("/")
        if kind not in WHOLE:
            return True
        return facts.get("GroupName") == "default" or bool(stand.state.address(identity))

    def fill(self, stand: Stand) -> None:
        """A build's result, and a newer one."""
        for bucket in stand.estate.buckets:
            for content in (b"first", b"second"):
                self._put(bucket.name, content)

    def _put(self, bucket: str, content: bytes) -> None:
        s3 = self._cloud.client("s3")
        try:
            s3.put_object(Bucket=bucket, Key="builds/desk.tar", Body=content)
        except s3.exceptions.ClientError as error:
            fail(expected=f"objects can be put into the bucket {bucket}", seen=str(error), look="aws s3 cp ...")


def faults(estate: Estate, wanted: Wanted) -> dict[str, list[str]]:
    """All that is wrong with an environment, by what it is about."""
    variant = wanted.variant
    told = {"the parameter": wanted.parameter}
    told |= {f"the bucket {bucket.name}": bucket.name for bucket in estate.buckets}
    told |= {f"the table {table['TableName']}": str(table["TableName"]) for table in estate.tables}
    servers = AskedServers(wanted.servers, str(variant["instance_type"]), int(variant["disk_gb"]), told)
    return {
        "network": network_faults(estate, wanted.cidr),
        "firewall": firewall_faults(estate, wanted),
        "servers": server_faults(estate, servers),
        "bucket": _not_one(estate.buckets, "bucket") or bucket_faults(estate.buckets[0]),
        "table": _not_one(estate.tables, "table") or table_faults(estate.tables[0], "id"),
        "logs": _not_one(estate.log_groups, "log group") or log_faults(estate.log_groups[0], int(variant["log_days"])),
        "role": role_faults(estate, _needed(estate, wanted), _refused(estate, wanted), MAY),
        "tags": tag_faults(estate, wanted.tags),
    }


def _not_one(found: Sequence[object], what: str) -> list[str]:
    return [] if len(found) == 1 else [f"{len(found)} {what}s that both the state and the cloud know of, not 1"]


def firewall_faults(estate: Estate, wanted: Wanted) -> list[str]:
    """What the servers' groups let in too much or too little, and the same for the one group that is the database's."""
    port, office = int(wanted.variant["app_port"]), str(wanted.variant["office"])
    used = {name for server in estate.instances for name in groups_of(server)}
    own = {str(group["GroupId"]) for group in estate.groups}
    app = Asked(port, networks=(wanted.cidr, office), harmless=frozenset(own))
    ways = [way for group in estate.groups if group["GroupId"] in used for way in openings(group["IpPermissions"])]
    found = [f"the servers are open for {way}" for way in excess(ways, app)]
    found += [f"the servers are closed for {way}" for way in missing(ways, app)]
    found += [f"a server is in the group {name}, which is none of the environment's" for name in sorted(used - own)]
    rest = [group for group in estate.groups if group["GroupId"] not in used and group["GroupName"] != "default"]
    if len(rest) != 1:
        return [*found, f"{len(rest)} security groups that no server is in, not 1 for the database"]
    ways = list(openings(rest[0]["IpPermissions"]))
    lacking = [missing(ways, Asked(5432, groups=(name,))) for name in sorted(used & own)]
    found += [f"the database is open for {way}" for way in excess(ways, Asked(5432, groups=tuple(used & own)))]
    return found + [f"the database is closed for {way}" for way in (lacking[0] if lacking and all(lacking) else [])]


def _needed(estate: Estate, wanted: Wanted) -> list[Deed]:
    region = wanted.variant["region"]
    found = [Deed("read the password's parameter", "ssm:GetParameter", (_parameter(wanted, wanted.parameter),))]
    for bucket in estate.buckets:
        arn = f"arn:aws:s3:::{bucket.name}"
        found.append(Deed("list the bucket", "s3:ListBucket", (arn,)))
        found += [Deed(f"{told} objects", f"s3:{act}Object", (f"{arn}/builds/x",)) for told, act in _OBJECTS]
    for table in estate.tables:
        found += [
            Deed(f"{act} in the table", f"dynamodb:{act}", (table["TableArn"],)) for act in ("GetItem", "PutItem")
        ]
    for group in estate.log_groups:
        arn = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group['logGroupName']}"
        forms = (arn, f"{arn}:*", f"{arn}:log-stream:x")
        found += [Deed(f"{act} in the log group", f"logs:{act}", forms) for act in ("CreateLogStream", "PutLogEvents")]
    return found


_OBJECTS = (("read", "Get"), ("write", "Put"))
MAY = (
    *(f"s3:{act}Object*" for act in ("Get", "Put")),
    *("s3:DeleteObject", "s3:DeleteObjectTagging", "s3:ListBucket*", "s3:GetBucket*", "s3:*MultipartUpload*"),
    *(f"dynamodb:{act}" for act in ("*Item", "Query", "Scan", "PartiQL*", "Describe*")),
    *(f"logs:{act}" for act in ("CreateLog*", "PutLogEvents", "DescribeLog*")),
    *(f"ssm:{act}" for act in ("GetParameter", "GetParameters", "GetParameterHistory", "DescribeParameters")),
    *(f"kms:{act}" for act in ("Decrypt", "Encrypt", "GenerateDataKey*", "DescribeKey")),
)
"""Actions that policies may name: what the brief lists, and what programs that do it ask for on the way."""


def _refused(estate: Estate, wanted: Wanted) -> list[Deed]:
    region = wanted.variant["region"]
    found = [
        Deed("read states", "s3:GetObject", (f"arn:aws:s3:::{STATES}/{wanted.key}",)),
        Deed("read any other bucket", "s3:GetObject", (f"arn:aws:s3:::{secrets.token_hex(6)}/x",)),
        Deed("read any other table", "dynamodb:GetItem", (f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/other",)),
        Deed("read any other parameter", "ssm:GetParameter", (_parameter(wanted, f"/{secrets.token_hex(4)}/key"),)),
        Deed("read the team's other parameters", "ssm:GetParameter", (_parameter(wanted, f"{wanted.parameter}-old"),)),
        Deed("change the password", "ssm:PutParameter", (_parameter(wanted, wanted.parameter),)),
        Deed(
            "write to any other log",
            "logs:PutLogEvents",
            (f"arn:aws:logs:{region}:{ACCOUNT}:log-group:x:log-stream:y",),
        ),
        Deed("use any other service", f"x{secrets.token_hex(3)}:Anything", ("arn:aws:x:::y",)),
        Deed("start servers", "ec2:RunInstances", (f"arn:aws:ec2:{region}:{ACCOUNT}:instance/*",)),
        Deed("make users", "iam:CreateUser", (f"arn:aws:iam::{ACCOUNT}:user/x",)),
        Deed("hand roles on", "iam:PassRole", (f"arn:aws:iam::{ACCOUNT}:role/x",)),
        Deed("take other roles on", "sts:AssumeRole", (f"arn:aws:iam::{ACCOUNT}:role/x",)),
    ]
    for bucket in estate.buckets:
        arn = f"arn:aws:s3:::{bucket.name}"
        acts = (("delete the bucket", "DeleteBucket"), ("change who may read the bucket", "PutBucketPolicy"))
        found += [Deed(told, f"s3:{act}", (arn,)) for told, act in acts]
        others = [f"arn:aws:s3:::{name}/builds/x" for name in _others(bucket.name, wanted)]
        found += [Deed("read another environment's bucket", "s3:GetObject", (arn,)) for arn in others]
    for table in estate.tables:
        others = [f"{table['TableArn'].rpartition('/')[0]}/{name}" for name in _others(table["TableName"], wanted)]
        found += [Deed("read another environment's table", "dynamodb:GetItem", (arn,)) for arn in others]
        found.append(Deed("delete the table", "dynamodb:DeleteTable", (table["TableArn"],)))
    return found


def _others(name: str, wanted: Wanted) -> list[str]:
    """Names like that of a thing of this environment, which another environment's could have."""
    near = [f"x{name}", name.replace(wanted.name, f"x{wanted.name[1:]}0", 1)]
    return [other for other in near if other != name]


def _parameter(wanted: Wanted, name: str) -> str:
    return f"arn:aws:ssm:{wanted.variant['region']}:{ACCOUNT}:parameter{name}"


@pytest.fixture(scope="session")
def environments(variant: Variant) -> dict[str, Wanted]:
    """Two environments that nobody has heard of before, by the folder that each is worked on in."""
    one, other = _PICK.sample(range(1, 250), 2)
    short, long = _name(4), _name(12)
    return {
        "first": Wanted(variant, short, f"10.{one}.0.0/16", 2),
        "second": Wanted(variant, long, f"10.{other}.{4 * _PICK.randrange(64)}.0/22", 3),
    }


def _name(length: int) -> str:
    letters = string.ascii_lowercase
    return _PICK.choice(letters) + "".join(_PICK.choice(letters + string.digits) for _ in range(length - 1))


@pytest.fixture(scope="session")
def cloud(probe: Probe, stack: Stack, given: Mapping[str, str], variant: Variant) -> Cloud:
    """The lab's cloud, in the candidate's region."""
    return Cloud(probe, token=given["CLOUD_TOKEN"], endpoint=_endpoint(stack), region=str(variant["region"]))


def _endpoint(stack: Stack) -> str:
    """By address: a bucket's name would become a part of the host's name."""
    return f"http://{stack['cloud'].address}:5000"


@pytest.fixture(scope="session")
def campaign(  # noqa: PLR0913, PLR0917 - a fixture asks for what it needs
    request: pytest.FixtureRequest,
    workspace: Workspace,
    stack: Stack,
    cloud: Cloud,
    submission: Submission,
    given: Mapping[str, str],
    environments: Mapping[str, Wanted],
) -> Iterator[Campaign[Stand]]:
    """The campaign, which runs from the moment that the first check asks for it."""
    runs = {
        folder: Terraform(
            workspace,
            folder,
            wanted.variables,
            backend={"bucket": STATES, "key": wanted.key, "region": str(wanted.variant["region"])},
            environment={"AWS_ENDPOINT_URL": _endpoint(stack), "AWS_ACCESS_KEY_ID": f"AKIA{folder.upper():X<16}"},
        )
        for folder, wanted in environments.items()
    }
    running = Campaign(
        Nordhafen(cloud, workspace, environments, given["DB_PASSWORD"]),
        runs["first"],
        runs["second"],
        bad=_bad_values(),
        copy=lambda run: workspace.write(whole_configuration(submission.root), folder=run.folder),
        steps=_steps(request.session.items),
    )
    yield running
    running.close()


def _steps(checks: Sequence[pytest.Item]) -> set[str]:
    """The steps that the checks of this attempt will ask for: with --only it is few of them."""
    marks = [mark for check in checks for mark in check.iter_markers("requirement")]
    return {step for mark in marks for step in STEPS.get(str(mark.args[0]), ())}


def _bad_values() -> list[dict[str, str]]:
    """Rounds of values that the brief says are wrong: malformed, too small or short, too large or long."""
    third = _PICK.randrange(250)
    return [
        {
            "environment": _PICK.choice(["Dev", "dev_1", "dev.x", "1st"]),
            "cidr": _PICK.choice([f"10.{third}.0.0", f"10.{third}.0.0/33", "anything"]),
            "app_count": "0",
        },
        {"environment": "d", "cidr": f"10.{third}.0.0/{_PICK.choice([14, 24, 28])}", "app_count": "2.5"},
        {"environment": _name(13), "cidr": f"192.168.0.0/{_PICK.choice([16, 20])}", "app_count": "5"},
    ]
