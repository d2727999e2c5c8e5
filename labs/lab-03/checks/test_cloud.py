"""What the first environment is like in the cloud."""

from typing import Any

from graders.terraform.campaign import Campaign
from mde_grader.checking import expect, requirement

BUCKET = "b=$(terraform output -raw bucket_name)"
TABLE = "t=$(terraform output -raw table_name)"
ROLE = "r=$(terraform output -raw app_role_arn | sed 's|.*/||')"


def _faultless(campaign: Campaign[Any], about: str, *, expected: str, look: str) -> None:
    found = campaign.faults.result()[about]
    expect(not found, expected=expected, seen="; ".join(found[:5]), look=look)


@requirement("network")
def test_network(campaign: Campaign[Any]) -> None:
    """One VPC with the addresses asked for, two private subnets in two zones, S3 reached without the internet."""
    _faultless(
        campaign,
        "network",
        expected="a VPC with the range `cidr`, two subnets in two zones, whose routes lead to S3 and nowhere else",
        look="aws ec2 describe-subnets; aws ec2 describe-route-tables; aws ec2 describe-vpc-endpoints",
    )


@requirement("firewall")
def test_firewall(campaign: Campaign[Any]) -> None:
    """The servers and the database let in exactly who was named, on one port each."""
    _faultless(
        campaign,
        "firewall",
        expected="two security groups that open one port each, to exactly whom the brief names",
        look="aws ec2 describe-security-groups",
    )


@requirement("servers")
def test_servers(campaign: Campaign[Any]) -> None:
    """As many servers as asked for, of the right kind, in private subnets of both zones."""
    _faultless(
        campaign,
        "servers",
        expected="`app_count` servers as in the brief's table",
        look="aws ec2 describe-instances; aws ec2 describe-volumes",
    )


@requirement("bucket")
def test_bucket(campaign: Campaign[Any]) -> None:
    """The bucket keeps versions, encrypts, and cannot be opened to the public."""
    _faultless(
        campaign,
        "bucket",
        expected="one bucket, versioned, with encryption by default and all four public access blocks",
        look=f"{BUCKET}; aws s3api get-bucket-versioning --bucket $b; aws s3api get-public-access-block --bucket $b",
    )


@requirement("records")
def test_table(campaign: Campaign[Any]) -> None:
    """The table for jobs is paid by request, and can be restored to any point in time."""
    _faultless(
        campaign,
        "table",
        expected="one table with the text key id, paid by request, with point-in-time recovery",
        look=f"{TABLE}; aws dynamodb describe-table --table-name $t; aws dynamodb describe-continuous-backups "
        "--table-name $t",
    )


@requirement("records")
def test_logs(campaign: Campaign[Any]) -> None:
    """Logs are kept for as many days as asked for."""
    _faultless(
        campaign,
        "logs",
        expected="one log group that keeps logs as long as the brief says",
        look="aws logs describe-log-groups",
    )


@requirement("role")
def test_role(campaign: Campaign[Any]) -> None:
    """The servers' role may do what the brief lists, on the things of this environment, and nothing beyond."""
    _faultless(
        campaign,
        "role",
        expected="a role for EC2 alone that may do what the brief lists, and nothing else",
        look=f"{ROLE}; aws iam list-role-policies --role-name $r; aws iam list-attached-role-policies --role-name $r",
    )


@requirement("tags")
def test_tags(campaign: Campaign[Any]) -> None:
    """Every network, subnet, group, server, bucket, table, role and log group carries the four tags."""
    _faultless(
        campaign,
        "tags",
        expected="the tags team, environment, cost-center and managed-by on everything",
        look="terraform show | grep -A6 tags_all",
    )
