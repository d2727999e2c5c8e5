"""What an inventory shows and nobody made: public parameters, and what a deleted network leaves in moto."""

from __future__ import annotations

from graders.cloud.inventory import Inventory, of_kind

PUBLIC = "parameter//aws/"
"""Parameters that AWS publishes; moto lists them from the first time that one is read."""


def without_public(found: Inventory) -> Inventory:
    """An inventory without AWS's public parameters, and without access lists whose network is gone.

    AWS deletes a network's default access list with the network; moto 5.2.5 does not.
    """
    networks = of_kind(found, "vpc")
    lost = {
        f"network-acl/{name}"
        for name, facts in of_kind(found, "network-acl").items()
        if facts.get("VpcId") not in networks
    }
    return {key: facts for key, facts in found.items() if not key.startswith(PUBLIC) and key not in lost}
