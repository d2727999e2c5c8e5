"""What is refused before anything is made."""

from typing import Any

from graders.terraform.campaign import Campaign
from mde_grader.checking import expect, requirement


@requirement("validated-inputs")
def test_bad_names(campaign: Campaign[Any]) -> None:
    """A name of an environment with wrong letters, or of a wrong length, is refused at the plan."""
    _all_are_refused(campaign, "environment")


@requirement("validated-inputs")
def test_bad_networks(campaign: Campaign[Any]) -> None:
    """A range that is no network, too large or small, or not in 10.0.0.0/8, is refused at the plan."""
    _all_are_refused(campaign, "cidr")


@requirement("validated-inputs")
def test_bad_numbers(campaign: Campaign[Any]) -> None:
    """No server, half a server and five servers are refused at the plan."""
    _all_are_refused(campaign, "app_count")


def _all_are_refused(campaign: Campaign[Any], variable: str) -> None:
    taken = [refusal for refusal in campaign.refused.result() if refusal.variable == variable and not refusal.message]
    expect(
        not taken,
        expected=f"a plan with a wrong value of {variable} ends with an error that is about {variable}",
        seen="; ".join(f"no such error for {refusal.value!r}" for refusal in taken),
        look=f"terraform plan -var '{variable}={taken[0].value if taken else ''}'",
        said=taken[0].said[-1_000:] if taken else "",
    )
