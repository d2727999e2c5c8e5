"""What is refused before anything is made."""

from typing import Any

import pytest

from graders.terraform.campaign import Campaign
from mde_grader.checking import expect, requirement


@requirement("validated-inputs")
@pytest.mark.parametrize("variable", ["environment", "cidr", "app_count"])
def test_bad_values(campaign: Campaign[Any], variable: str) -> None:
    """Values that the brief says are wrong are refused at the plan, with a message that is about the variable."""
    taken = [refusal for refusal in campaign.refused.result() if refusal.variable == variable and not refusal.message]
    expect(
        not taken,
        expected=f"a plan with a wrong value of {variable} ends with an error that names {variable}",
        seen="; ".join(f"no such error for {refusal.value!r}" for refusal in taken),
        look=f"terraform plan -var '{variable}={taken[0].value if taken else ''}'",
        said=taken[0].said[-1_000:] if taken else "",
    )
