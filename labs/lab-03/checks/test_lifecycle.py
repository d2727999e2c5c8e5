"""What becomes of environments: state, second plan, drift, a neighbour, and the end."""

from typing import Any

from graders.terraform.campaign import Campaign
from graders.terraform.failures import LOCKED
from mde_grader.checking import expect, requirement

SAID = 2_000
BY_HAND = (
    'aws logs put-retention-policy --retention-in-days 1 --log-group-name "$(terraform output -raw log_group_name)"'
)


@requirement("remote-state")
def test_state_is_remote(campaign: Campaign[Any]) -> None:
    """After the apply the state is in the state bucket under the key given to init, and none is in the folder."""
    stand = campaign.first.result()
    expect(
        stand.remote and not stand.local,
        expected=f"the state in the state bucket under {stand.wanted.key}, and no terraform.tfstate in the folder",
        seen=f"{'one' if stand.remote else 'none'} in the bucket, {'one' if stand.local else 'none'} in the folder",
        look="terraform init -reconfigure (does it say “Successfully configured the backend”?); ls *.tfstate",
    )


@requirement("locked-state")
def test_state_is_locked(campaign: Campaign[Any]) -> None:
    """While an apply is under way, another plan for the same environment is refused."""
    locked = campaign.locked.result()
    told = f"{locked.ran.out}\n{locked.ran.err}"
    if LOCKED not in told and not locked.overlapped:
        raise RuntimeError("the apply was over before the plan beside it was, so that nothing is known of the lock")
    expect(
        LOCKED in told and locked.ran.exit_code == 1,
        expected="a plan that starts while an apply runs is refused, because the state is locked",
        seen="it went through" if locked.ran.exit_code in {0, 2} else locked.ran.end,
        look="terraform apply & sleep 5; terraform plan",
        said=told.strip()[-SAID:],
    )


@requirement("stable")
def test_second_plan(campaign: Campaign[Any]) -> None:
    """A plan straight after the apply finds nothing to do."""
    changes, words = campaign.stable.result()
    summary = next((line for line in words.splitlines() if line.startswith("Plan:")), "changes to outputs")
    expect(
        not changes,
        expected="“No changes” from a plan straight after the apply",
        seen=summary,
        look="terraform apply; terraform plan",
        said=words.strip()[-SAID:],
    )


@requirement("drift")
def test_drift_is_mended(campaign: Campaign[Any]) -> None:
    """What somebody changes by hand is seen by the next plan, and put right by its apply."""
    drift = campaign.drift.result()
    done = "; ".join(told for about, told in drift.told if about in drift.left or not drift.seen)
    expect(
        drift.seen,
        expected="a plan that sees what was changed by hand",
        seen=f"“No changes”, after this: {done}",
        look=f"{BY_HAND}; terraform plan",
    )
    expect(
        not drift.left,
        expected="an apply puts right what was changed by hand",
        seen=f"still so after the apply: {done or '; '.join(one for row in drift.left.values() for one in row)}",
        look=f"{BY_HAND}; terraform apply",
    )


@requirement("second-environment")
def test_neighbour(campaign: Campaign[Any]) -> None:
    """With other values of the variables a second environment comes up, and leaves the first as it was."""
    beside = campaign.beside.result()
    expect(
        not beside.touched,
        expected="nothing of the first environment changes when the second comes up",
        seen=str(beside.touched),
        look="terraform apply for one environment, then for another with its own key; aws ec2 describe-vpcs",
    )
    new = campaign.new_faults(beside.second)
    seen = "; ".join(one for row in new.values() for one in row[:2])
    expect(
        not new,
        expected="the second environment is right wherever the first one is",
        seen=seen[:500],
        look="terraform apply for a second environment, with other values of all three variables",
    )


@requirement("destroy")
def test_nothing_is_left(campaign: Campaign[Any]) -> None:
    """A destroy ends well, with objects in the bucket, and takes everything with it."""
    left = campaign.left.result()
    expect(
        not left,
        expected="after the destroy the cloud is as it was before the apply",
        seen=f"left behind: {', '.join(left[:5])}",
        look="terraform destroy; terraform state list",
    )
