"""By which ways a configuration reaches past its provider."""

from __future__ import annotations

from collections.abc import Iterator

from graders.terraform.plans import Plan

KEYS = frozenset({"access_key", "secret_key", "token"})
"""Arguments of the AWS provider that are credentials."""

BUILT_IN = "terraform.io/builtin/"


def side_doors(plan: Plan, *, providers: frozenset[str]) -> list[str]:
    """What a configuration does other than declare resources of the providers that are allowed.

    Args:
        plan: The plan of a first apply.
        providers: Full names, such as `registry.terraform.io/hashicorp/aws`.

    Returns:
        One sentence a finding, in the words of the configuration.
    """
    return [
        *(f"{address} runs a provisioner, {kind}" for address, kind in plan.provisioners),
        *(f"{address} is imported, not made" for address in plan.imports),
        *(f"{address} comes from {source}" for address, source in plan.foreign_modules),
        *_of_providers(plan, providers),
    ]


def credentials(plan: Plan) -> list[str]:
    """Which providers have credentials written into the configuration."""
    return [f'{name} in provider "{one.key}"' for one in plan.providers for name in sorted(KEYS & one.arguments)]


def _of_providers(plan: Plan, providers: frozenset[str]) -> Iterator[str]:
    for one in plan.providers:
        if one.source not in providers and not one.source.startswith(BUILT_IN):
            yield f"provider {one.source} is not one of {', '.join(sorted(providers))}"
        if "endpoints" in one.arguments:
            yield f'provider "{one.key}" has endpoints of its own'
