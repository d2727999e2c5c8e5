"""An environment in the cloud that is right in every way, for tests to break."""

from __future__ import annotations

from typing import Any

from graders.cloud.estates import Bucket, Estate, Role

CIDR = "10.20.0.0/16"
TAGS = {"team": "borealis", "environment": "dev"}
AWS_TAGS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
PROFILE = "arn:aws:iam::123456789012:instance-profile/app"
APP_RULES = [
    {
        "IpProtocol": "tcp",
        "FromPort": 8443,
        "ToPort": 8443,
        "IpRanges": [{"CidrIp": CIDR}, {"CidrIp": "192.168.4.0/24"}],
    }
]
DATABASE_RULES = [
    {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-app"}]},
]
MAY = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}]}
TRUST = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}}


def subnet(name: str, zone: str, cidr: str) -> dict[str, Any]:
    return {"SubnetId": name, "VpcId": "vpc-1", "AvailabilityZone": zone, "CidrBlock": cidr, "Tags": AWS_TAGS}


def server(name: str, place: str) -> dict[str, Any]:
    return {
        "InstanceId": name,
        "InstanceType": "t3.small",
        "SubnetId": place,
        "MetadataOptions": {"HttpTokens": "required"},
        "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": f"vol-{name}"}}],
        "IamInstanceProfile": {"Arn": PROFILE},
        "SecurityGroups": [{"GroupId": "sg-app"}],
        "Tags": AWS_TAGS,
    }


def group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"GroupId": f"sg-{name}", "GroupName": name, "IpPermissions": rules, "Tags": AWS_TAGS}


TABLE = {
    "TableName": "jobs",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"},
    "Tags": AWS_TAGS,
}
BUCKET = Bucket(
    "files",
    "Enabled",
    ("AES256",),
    {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    },
    TAGS,
)
ROLE = Role("app", "arn:aws:iam::123456789012:role/app", TRUST, (MAY,), TAGS)
PRIVATE = {
    "RouteTableId": "rtb-1",
    "VpcId": "vpc-1",
    "Associations": [{"SubnetId": "subnet-a"}, {"SubnetId": "subnet-b"}],
    "Routes": [{"GatewayId": "local"}, {"GatewayId": "vpce-1"}],
}
ENDPOINT = {"VpcEndpointId": "vpce-1", "ServiceName": "com.amazonaws.eu-west-1.s3", "RouteTableIds": ["rtb-1"]}


def estate(**changed: Any) -> Estate:
    right: dict[str, Any] = {
        "vpcs": ({"VpcId": "vpc-1", "CidrBlock": CIDR, "Tags": AWS_TAGS},),
        "subnets": (subnet("subnet-a", "a", "10.20.0.0/18"), subnet("subnet-b", "b", "10.20.64.0/18")),
        "route_tables": (PRIVATE,),
        "endpoints": (ENDPOINT,),
        "groups": (group("app", APP_RULES), group("database", DATABASE_RULES)),
        "instances": (server("i-1", "subnet-a"), server("i-2", "subnet-b")),
        "volumes": {f"vol-{name}": {"Encrypted": True, "Size": 20} for name in ("i-1", "i-2")},
        "user_data": {"i-1": "BUCKET=files", "i-2": "BUCKET=files"},
        "profiles": {PROFILE: "app"},
        "roles": (ROLE,),
        "buckets": (BUCKET,),
        "tables": (TABLE,),
        "log_groups": ({"logGroupName": "logs", "retentionInDays": 14, "Tags": AWS_TAGS},),
    }
    return Estate(**{**right, **changed})
