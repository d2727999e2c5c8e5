"""What moto 5.2.5 does otherwise than AWS and an honest candidate would be blamed for; each mended in place.

`tests/e2e/test_cloud_image.py` shows each fault in the unmended library: when a test there fails, upstream has mended
it, and the mend goes.
"""

from __future__ import annotations

from typing import Any

from moto.core.serialize import return_if_not_empty
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.launch_templates import LaunchTemplateBackend
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.instances import InstanceResponse
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

ROOT_GIB = 8
"""Size of a volume whose size nobody says, as of the snapshots of Amazon's Linux images."""


def mend() -> None:
    """Apply every mend; once, before the first request."""
    _interfaces_go_with_their_instance()
    _templates_keep_their_own_tags_out_of_their_data()
    _templates_say_what_the_launch_does_not()
    _volumes_have_a_size()
    _one_root_volume()
    _root_volumes_go_with_their_instance()
    _no_public_address_is_none()
    _groups_are_those_of_the_primary_interface()
    _interfaces_keep_to_their_own_groups()
    _bucket_policies_keep_nobody_out()


def _interfaces_go_with_their_instance() -> None:
    """AWS deletes the interface that it made at launch with the instance; moto lets it block its subnet for ever.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html: the primary interface's default.
    """
    original = Instance.prep_nics

    def prep_nics(self: Any, nic_spec: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401 - moto's own
        original(self, nic_spec, *args, **options)
        given = {str(nic.get("DeviceIndex")): nic for nic in nic_spec}
        for index, nic in self.nics.items():
            wanted = given.get(str(index), {})
            if not wanted.get("NetworkInterfaceId") and str(wanted.get("DeleteOnTermination")).lower() != "false":
                nic.delete_on_termination = True

    Instance.prep_nics = prep_nics


def _templates_keep_their_own_tags_out_of_their_data() -> None:
    """AWS keeps the tags of a launch template apart from those of what it launches.

    moto adds the first to the second, so that Terraform's default_tags show as drift for ever.
    """
    original = LaunchTemplateBackend.create_launch_template

    def create(self: Any, name: str, description: str, template_data: Any, tag_spec: Any) -> Any:  # noqa: ANN401
        specifications = template_data.pop("TagSpecifications", None) or []
        launched = [one for one in specifications if one.get("ResourceType") != "launch-template"]
        if launched:
            template_data["TagSpecifications"] = launched
        return original(self, name, description, template_data, tag_spec)

    LaunchTemplateBackend.create_launch_template = create


def _templates_say_what_the_launch_does_not() -> None:
    """AWS takes from the launch template whatever the launch leaves out; moto forgets metadata options and profile.

    And the empty user data of a template it hands on as such, which Terraform's provider takes for drift.
    """
    original = InstanceBackend.run_instances

    def run(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        template = options.get("launch_template")
        data = self._get_template_from_args(template).data if template else {}
        options["metadata_options"] = options.get("metadata_options") or data.get("MetadataOptions") or {}
        reservation = original(self, *args, **options)
        profile = data.get("IamInstanceProfile") or {}
        named = options.get("iam_instance_profile_name") or options.get("iam_instance_profile_arn")
        for instance in reservation.instances:
            if instance.user_data is not None and not instance.user_data.as_bytes():
                instance.user_data = None
            if profile and not named:
                self.associate_iam_instance_profile(
                    instance.id,
                    iam_instance_profile_name=profile.get("Name"),
                    iam_instance_profile_arn=profile.get("Arn"),
                )
        return reservation

    InstanceBackend.run_instances = run


def _volumes_have_a_size() -> None:
    """AWS takes the size of a root volume from its image where only, say, its encryption is asked for; moto refuses."""
    check, add = InstanceResponse._validate_block_device_mapping, Instance.add_block_device  # noqa: SLF001

    def validate(device_mapping: Any) -> None:  # noqa: ANN401
        disk = device_mapping.get("Ebs")
        if disk is not None and not disk.get("VolumeSize") and not disk.get("SnapshotId"):
            disk["VolumeSize"] = ROOT_GIB
        if disk is not None:
            disk.setdefault("DeleteOnTermination", None)  # so that what is left out is not taken for false
        check(device_mapping)

    def add_sized(self: Any, size: Any, device_path: str, snapshot_id: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401
        add(self, size if size or snapshot_id else ROOT_GIB, device_path, snapshot_id, *args, **options)

    InstanceResponse._validate_block_device_mapping = staticmethod(validate)  # noqa: SLF001
    Instance.add_block_device = add_sized


def _one_root_volume() -> None:
    """AWS names the root volume as the image does, and a mapping of that name replaces it; moto makes a second one."""
    add = Instance.add_block_device

    def setup_defaults(self: Any) -> None:  # noqa: ANN401
        volume = self.ec2_backend.create_volume(size=ROOT_GIB, zone_name=self._placement.zone)
        self.ec2_backend.attach_volume(volume.id, self.id, self.root_device_name, True)  # noqa: FBT003 - moto's own

    def add_replacing(self: Any, size: Any, device_path: str, *args: Any, **options: Any) -> None:  # noqa: ANN401
        if device_path in self.block_device_mapping:
            old = self.block_device_mapping[device_path].volume_id
            self.ec2_backend.detach_volume(old, self.id, device_path)
            self.ec2_backend.delete_volume(old)
        add(self, size, device_path, *args, **options)

    Instance.setup_defaults = setup_defaults
    Instance.add_block_device = add_replacing


def _root_volumes_go_with_their_instance() -> None:
    """AWS deletes a root volume with its instance where nobody says otherwise; moto keeps one that is described.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/preserving-volumes-on-termination.html: the defaults.
    """
    original = InstanceBackend.run_instances

    def run(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        template = options.get("launch_template")
        data = self._get_template_from_args(template).data if template else {}
        described = options.get("block_device_mappings") or data.get("BlockDeviceMappings") or []
        unsaid = {one["DeviceName"] for one in described if one.get("Ebs", {}).get("DeleteOnTermination") is None}
        reservation = original(self, *args, **options)
        for instance in reservation.instances:
            if instance.root_device_name in unsaid & set(instance.block_device_mapping):
                instance.block_device_mapping[instance.root_device_name].delete_on_termination = True
        return reservation

    InstanceBackend.run_instances = run


def _no_public_address_is_none() -> None:
    """AWS leaves an interface's association out where there is no public address; moto sends an empty one.

    Terraform's provider takes it for a public address, so that `associate_public_ip_address = false` replaces the
    instance at every apply.
    """
    EC2BaseResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER |= {
        f"NetworkInterfaces.{member}.Association": return_if_not_empty
        for member in ("NetworkInterface", "InstanceNetworkInterface")
    }


def _groups_are_those_of_the_primary_interface() -> None:
    """AWS tells of an instance the groups of its primary interface; moto forgets those that are given to the interface.

    Terraform's provider gives them so when `associate_public_ip_address` is set, and would then set them for ever.
    """

    def primary(instance: Any) -> Any:  # noqa: ANN401
        return vars(instance).get("nics", {}).get(0)

    def groups(self: Any) -> Any:  # noqa: ANN401
        interface = primary(self)
        return vars(self)["groups"] if interface is None else interface._group_set  # noqa: SLF001

    def change(self: Any, wanted: Any) -> None:  # noqa: ANN401
        vars(self)["groups"] = wanted
        if primary(self) is not None:
            primary(self)._group_set = list(wanted)  # noqa: SLF001

    Instance.security_groups = property(groups, change)


def _interfaces_keep_to_their_own_groups() -> None:
    """AWS knows groups of interfaces only; moto adds those of the instance to each interface that is attached to it.

    So a second interface shows as drift for ever. The primary one has the groups of its instance as its own already.
    """

    def groups(self: Any) -> Any:  # noqa: ANN401
        return self._group_set

    NetworkInterface.group_set = property(groups)


def _bucket_policies_keep_nobody_out() -> None:
    """AWS looks at a statement's conditions; moto 5.2.5 denies by a bucket's policy whatever its conditions say.

    So the usual statement that denies whatever comes without TLS denies every object, those of a destroy included. This
    cloud checks nobody's permissions, and does not check these either.
    """

    def neutral(self: Any, action: str, resource: str) -> Any:  # noqa: ANN401
        del self, action, resource
        return PermissionResult.NEUTRAL

    FakeBucket.get_permission = neutral
