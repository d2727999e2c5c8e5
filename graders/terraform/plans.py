"""Reading a plan in JSON: by which ways a configuration reaches past its provider.

Format: https://developer.hashicorp.com/terraform/internals/json-format, major version 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

KEYS = frozenset({"access_key", "secret_key", "token"})
"""Arguments of the AWS provider that are credentials."""


def read_plan(text: str) -> dict[str, Any]:
    """The plan that `terraform show -json` printed.

    Raises:
        ValueError: It is none.
    """
    plan = json.loads(text)
    if not isinstance(plan, dict) or not isinstance(plan.get("configuration"), dict):
        raise ValueError("not a plan in JSON")  # noqa: TRY004 - so is every other text that is none
    return plan


def side_doors(plan: Mapping[str, Any], *, providers: frozenset[str]) -> list[str]:
    """What a configuration does other than declare resources of the providers that are allowed.

    Args:
        plan: As `read_plan` returns it.
        providers: Full names, such as `registry.terraform.io/hashicorp/aws`.

    Returns:
        One sentence a finding, in the words of the configuration.
    """
    configuration = plan["configuration"]
    found = list(_provider_doors(configuration.get("provider_config"), providers))
    for where, module in _modules(configuration.get("root_module"), ""):
        for resource in _dicts(module.get("resources")):
            address = f"{where}{resource.get('address', '?')}"
            found += [f"{address} runs a provisioner, {kind}" for kind in _kinds(resource.get("provisioners"))]
            if str(resource.get("type")) in {"external", "http"}:
                found.append(f"{address} reads from outside the provider")
    for change in _dicts(plan.get("resource_changes")):
        planned = change.get("change")
        if isinstance(planned, dict) and planned.get("importing"):
            found.append(f"{change.get('address', '?')} is imported, not made")
    return found


def credentials(plan: Mapping[str, Any]) -> list[str]:
    """Which providers have credentials written into the configuration."""
    configured = plan["configuration"].get("provider_config")
    return [
        f'{argument} in provider "{name}"'
        for name, provider in (configured.items() if isinstance(configured, dict) else ())
        for argument in sorted(KEYS & set(_expressions(provider)))
    ]


def _provider_doors(configured: object, providers: frozenset[str]) -> Iterator[str]:
    for name, provider in configured.items() if isinstance(configured, dict) else ():
        full = str(provider.get("full_name", name))
        if full not in providers and not full.startswith("terraform.io/builtin/"):
            yield f"provider {full} is not one of {', '.join(sorted(providers))}"
        if "endpoints" in _expressions(provider):
            yield f'provider "{name}" has endpoints of its own'


def _expressions(provider: object) -> Mapping[str, Any]:
    found = provider.get("expressions") if isinstance(provider, dict) else None
    return found if isinstance(found, dict) else {}


def _modules(module: object, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(module, dict):
        return
    yield where, module
    calls = module.get("module_calls")
    for name, call in calls.items() if isinstance(calls, dict) else ():
        if isinstance(call, dict):
            yield from _modules(call.get("module"), f"{where}module.{name}.")


def _dicts(value: object) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _kinds(value: object) -> list[str]:
    return [str(row.get("type", "?")) for row in _dicts(value)]
