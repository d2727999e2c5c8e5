"""What the role of a server may do, against what it needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from graders.cloud.estates import Estate, Role
from graders.cloud.policies import Document, grants, resources, strays, trusted

SERVERS = "Service ec2.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a role may or may not do: an action, on any one of some resources, and its name in words."""

    told: str
    action: str
    resources: tuple[str, ...]

    def granted_by(self, role: Role) -> bool:
        """Whether the role's policies let it do this."""
        return any(
            grants(role.documents, self.action, resource)
            and (role.boundary is None or grants([role.boundary], self.action, resource))
            for resource in self.resources
        )


def role_faults(
    estate: Estate, needed: Sequence[Deed], refused: Sequence[Deed], may: Collection[str] = ("*",)
) -> list[str]:
    """What is wrong with the roles of an environment's servers.

    Args:
        estate: The environment.
        needed: What each role must be able to do.
        refused: What none may be able to do, as samples of all else.
        may: Patterns of the actions that policies may name.
    """
    bare = [row["InstanceId"] for row in estate.instances if _profile(row) not in estate.profiles]
    found = [f"the server {name} has no role" for name in bare]
    carried = [role for role in estate.roles if role.name in estate.profiles.values()]
    if not carried and not bare:
        return ["no server of the environment, so no role"]
    for role in carried:
        found += [f"{role.name} lets itself be taken on by {who}" for who in trusted(role.trust) if who != SERVERS]
        found += [f"{role.name} cannot be taken on by servers"] if SERVERS not in trusted(role.trust) else []
        found += [f"{role.name} may not {deed.told}" for deed in needed if not deed.granted_by(role)]
        found += [f"{role.name} may {deed.told} ({deed.action})" for deed in refused if deed.granted_by(role)]
        found += [f"{role.name} may {action}, which was not asked for" for action in _strays(role, may)]
    return found


def _strays(role: Role, may: Collection[str]) -> list[str]:
    """What a role's policies name beyond `may` and its boundary does not rule out."""
    found = strays(role.documents, may) if "*" not in may else []
    return [action for action in found if role.boundary is None or _bounded(role.boundary, action)]


def _bounded(boundary: Document, action: str) -> bool:
    return any(grants([boundary], action, resource) for resource in resources(boundary))


def _profile(row: object) -> str:
    profile = row.get("IamInstanceProfile") if isinstance(row, dict) else None
    return str(profile.get("Arn", "")) if isinstance(profile, dict) else ""
