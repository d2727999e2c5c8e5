"""What the containers are allowed to do."""

from collections.abc import Mapping

from mde_grader.checking import expect, requirement
from mde_grader.checking.context import Submission
from mde_grader.runtimes.base import Service, Stack
from mde_grader.runtimes.inspector.session import SessionError

ROOT = ("", "0", "root")


@requirement("non-root")
def test_no_process_is_root(stack: Stack, own: tuple[str, ...]) -> None:
    """Every process of every container runs under a user of its own."""
    for name in own:
        user = stack[name].state().user
        expect(
            user.partition(":")[0] not in ROOT and not _root_processes(stack, name, user),
            expected="a user other than root, set in the image or in compose.yaml",
            seen=f"{name} runs as {f'“{user}”, which is root' if user else 'root, since no user is set'}",
            look=f"docker compose top {name}",
        )


def _root_processes(stack: Stack, name: str, user: str) -> bool:
    """Whether a process is root's; a running container that we cannot look into is one that may run as root."""
    if not stack[name].state().running:
        return _is_root(stack[name], user.partition(":")[0])
    try:
        found = stack.session.call("processes", service=stack[name].container_id)["processes"]
    except SessionError:
        return True
    return any(process["uid"] == 0 for process in found)


def _is_root(service: Service, user: str) -> bool:
    """Whether a service that has done its one thing did it as root, by the account file that the engine went by."""
    if user.isdigit():
        return int(user) == 0
    try:
        accounts = service.read("/etc/passwd").decode(errors="replace").splitlines()
    except (FileNotFoundError, ValueError):
        return True
    numbers = [fields[2] for line in accounts if (fields := line.split(":"))[0] == user and len(fields) > 3]
    return not numbers or not numbers[0].isdigit() or int(numbers[0]) == 0


@requirement("read-only")
def test_root_is_read_only(stack: Stack, own: tuple[str, ...], words: Mapping[str, str]) -> None:
    """Every container that you build runs with a read-only root file system."""
    writable = [name for name in own if not stack[name].state().read_only]
    expect(
        not writable,
        expected="`read_only: true` in compose.yaml for every service that is built",
        seen=f"a writable root file system in {', '.join(writable)}",
        look="docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' $(docker compose ps -q " + words["web"] + ")",
    )


@requirement("no-privileges")
def test_no_capability(submission: Submission) -> None:
    """No service asks for a capability."""
    asked = {name: list(caps) for name, caps in submission.plan.asked_capabilities.items() if caps}
    expect(
        not asked,
        expected="no cap_add in compose.yaml",
        seen="; ".join(f"{name} asks for {', '.join(caps)}" for name, caps in asked.items()),
        look="docker compose config | grep -n -A3 cap_add",
    )
