"""A container engine in memory, for tests of labs and of the grader: no container, no waiting, the same answers.

What a service does is a `FakeProgram`, looked up by its image. Time does not pass here: a program that needs 40 s to be
ready is late at once, and one that ignores its stop signal is killed at once after the whole grace.
"""

from mde_grader.testing.builds import fake_build
from mde_grader.testing.programs import FakeCommand, FakeProgram
from mde_grader.testing.runtime import FakeEngine, FakeRuntime, fake_owner
from mde_grader.testing.services import FakeService
from mde_grader.testing.sessions import FakeSession
from mde_grader.testing.stacks import FakeStack
from mde_grader.testing.volumes import FakeFiles

__all__ = [
    "FakeCommand",
    "FakeEngine",
    "FakeFiles",
    "FakeProgram",
    "FakeRuntime",
    "FakeService",
    "FakeSession",
    "FakeStack",
    "fake_build",
    "fake_owner",
]
