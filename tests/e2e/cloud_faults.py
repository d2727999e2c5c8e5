"""Runs inside the image of the lab's cloud and prints which of moto's known faults show; `mend` mends them first."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import boto3
from moto import mock_aws

TEMPLATE = {"ImageId": "ami-04681a1dbd79675a5", "InstanceType": "t3.micro"}
ROOT = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 9}}
OWN_TAGS = [{"ResourceType": "launch-template", "Tags": [{"Key": "Team", "Value": "a"}]}]


def launch(ec2: Any, **options: Any) -> dict[str, Any]:
    launched: dict[str, Any] = ec2.run_instances(MinCount=1, MaxCount=1, **options)["Instances"][0]
    return launched


def image(ec2: Any) -> dict[str, Any]:
    """An image whose root volume is not the one that moto takes for every image's."""
    images: list[dict[str, Any]] = ec2.describe_images(Owners=["amazon"])["Images"]
    return next(one for one in images if one["RootDeviceName"] == "/dev/xvda")


def interface_stays(ec2: Any) -> bool:
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = launch(ec2, ImageId=image(ec2)["ImageId"], SubnetId=subnet)["InstanceId"]
    ec2.terminate_instances(InstanceIds=[made])
    return bool(ec2.describe_network_interfaces()["NetworkInterfaces"])


def template_gets_its_own_tags(ec2: Any) -> bool:
    made = ec2.create_launch_template(LaunchTemplateName="own", LaunchTemplateData=TEMPLATE, TagSpecifications=OWN_TAGS)
    name = made["LaunchTemplate"]["LaunchTemplateName"]
    data = ec2.describe_launch_template_versions(LaunchTemplateName=name)["LaunchTemplateVersions"][0]
    return "TagSpecifications" in data["LaunchTemplateData"]


def template_is_forgotten(ec2: Any) -> bool:
    data = {**TEMPLATE, "MetadataOptions": {"HttpTokens": "required"}}
    ec2.create_launch_template(LaunchTemplateName="meta", LaunchTemplateData=data)
    launched = launch(ec2, LaunchTemplate={"LaunchTemplateName": "meta"})
    found = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"][0]["Instances"][0]
    return bool(found["MetadataOptions"]["HttpTokens"] != "required")


def profile_is_forgotten(ec2: Any) -> bool:
    iam = boto3.client("iam", "us-east-1")
    iam.create_instance_profile(InstanceProfileName="p")
    data = {**TEMPLATE, "IamInstanceProfile": {"Name": "p"}}
    ec2.create_launch_template(LaunchTemplateName="profile", LaunchTemplateData=data)
    launched = launch(ec2, LaunchTemplate={"LaunchTemplateName": "profile"})
    found = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"][0]["Instances"][0]
    return "IamInstanceProfile" not in found


def empty_user_data_is_handed_on(ec2: Any) -> bool:
    ec2.create_launch_template(LaunchTemplateName="user", LaunchTemplateData={**TEMPLATE, "UserData": ""})
    launched = launch(ec2, LaunchTemplate={"LaunchTemplateName": "user"})
    told = ec2.describe_instance_attribute(InstanceId=launched["InstanceId"], Attribute="userData")
    return "Value" in told["UserData"]


def volume_without_a_size_is_refused(ec2: Any) -> bool:
    try:
        root = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True}}
        launch(ec2, ImageId=image(ec2)["ImageId"], BlockDeviceMappings=[root])
    except ec2.exceptions.ClientError:
        return True
    return False


def root_volume_has_another_name(ec2: Any) -> bool:
    launched = launch(ec2, ImageId=image(ec2)["ImageId"])
    found = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"][0]["Instances"][0]
    return [one["DeviceName"] for one in found["BlockDeviceMappings"]] != [found["RootDeviceName"]]


def root_volume_stays(ec2: Any, **options: Any) -> bool:
    """Whether a root volume outlives its server when the launch describes it without a word on its end."""
    before = {one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]}
    launched = launch(ec2, ImageId=image(ec2)["ImageId"], **options)
    ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
    return bool({one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]} - before)


def root_volume_of_a_launch_stays(ec2: Any) -> bool:
    return root_volume_stays(ec2, BlockDeviceMappings=[ROOT])


def root_volume_of_a_template_stays(ec2: Any) -> bool:
    data = {**TEMPLATE, "BlockDeviceMappings": [ROOT]}
    ec2.create_launch_template(LaunchTemplateName="disk", LaunchTemplateData=data)
    return root_volume_stays(ec2, LaunchTemplate={"LaunchTemplateName": "disk"})


def launched_with(ec2: Any, **interface: Any) -> dict[str, Any]:
    """What the cloud tells of a server whose interface was described at its launch."""
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="own", Description="own", VpcId=network)["GroupId"]
    described = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], **interface}
    launch(ec2, ImageId=image(ec2)["ImageId"], NetworkInterfaces=[described])
    found: dict[str, Any] = ec2.describe_instances()["Reservations"][0]["Instances"][0]
    return found


def private_server_has_an_association(ec2: Any) -> bool:
    found = launched_with(ec2, AssociatePublicIpAddress=False)
    return "Association" in found["NetworkInterfaces"][0]


def groups_of_the_interface_are_forgotten(ec2: Any) -> bool:
    found = launched_with(ec2, AssociatePublicIpAddress=False)
    return [group["GroupName"] for group in found["SecurityGroups"]] != ["own"]


def second_interface_gets_the_groups_of_its_server(ec2: Any) -> bool:
    place = ec2.describe_subnets()["Subnets"][0]
    subnet, network = place["SubnetId"], place["VpcId"]
    first, other = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=network)["GroupId"] for name in ("a", "b")
    )
    server = launch(ec2, ImageId=image(ec2)["ImageId"], SubnetId=subnet, SecurityGroupIds=[first])["InstanceId"]
    second = ec2.create_network_interface(SubnetId=subnet, Groups=[other])["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=server, DeviceIndex=1)
    told = ec2.describe_network_interfaces(NetworkInterfaceIds=[second])["NetworkInterfaces"][0]
    return [group["GroupId"] for group in told["Groups"]] != [other]


def policy_denies_without_its_condition(ec2: Any) -> bool:
    del ec2
    s3 = boto3.client("s3", "us-east-1")
    s3.create_bucket(Bucket="files")
    statement: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::files/*",
    }
    statement["Condition"] = {"StringEquals": {"aws:PrincipalAccount": "999999999999"}}
    s3.put_bucket_policy(Bucket="files", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    try:
        s3.put_object(Bucket="files", Key="x", Body=b"y")
    except s3.exceptions.ClientError:
        return True
    return False


FAULTS: list[Callable[[Any], bool]] = [
    interface_stays,
    template_gets_its_own_tags,
    template_is_forgotten,
    profile_is_forgotten,
    empty_user_data_is_handed_on,
    volume_without_a_size_is_refused,
    root_volume_has_another_name,
    root_volume_of_a_launch_stays,
    root_volume_of_a_template_stays,
    private_server_has_an_association,
    groups_of_the_interface_are_forgotten,
    second_interface_gets_the_groups_of_its_server,
    policy_denies_without_its_condition,
]


def main(*, mended: bool) -> None:
    """Try each fault in a cloud of its own."""
    if mended:
        from guard.mends import mend  # noqa: PLC0415 - must not be imported where the faults are shown

        mend()
    os.environ.pop("MOTO_ACCOUNT_ID", None)
    shown = {}
    for fault in FAULTS:
        with mock_aws():
            shown[fault.__name__] = fault(boto3.client("ec2", "us-east-1"))
    sys.stdout.write(json.dumps(shown))


if __name__ == "__main__":
    main(mended="mend" in sys.argv)
