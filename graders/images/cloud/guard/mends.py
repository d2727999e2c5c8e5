"""What moto 5.2.5 does otherwise than AWS and an honest candidate would be blamed for; each mended in place.

`tests/e2e/test_cloud_image.py` shows each fault in the unmended library: when a test there fails, upstream has mended
it, and the mend goes.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import Instance
from moto.ec2.models.launch_templates import LaunchTemplateBackend


def mend() -> None:
    """Apply every mend; once, before the first request."""
    _interfaces_go_with_their_instance()
    _templates_keep_their_own_tags_out_of_their_data()


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
