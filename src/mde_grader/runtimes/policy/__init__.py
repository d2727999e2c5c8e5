"""What of a submission may be built and started, decided against allow-lists before anything runs.

Everything here is pure over text and a reader of the staged folder. The rules are in `rules`, and written down for
candidates in docs/reference/policy.md.
"""

from mde_grader.runtimes.policy.planning import plan

__all__ = ["plan"]
