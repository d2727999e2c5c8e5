"""What the author of a check imports.

A check is a pytest test that carries `@requirement(...)`. Its docstring is the candidate's text. It asks for fixtures
(`stack`, `probe`, `workspace`, `host`, `hosts`, `images`, `rebuild`, `submission`, `given`) and fails by `expect(...)`
or `assert`.
"""

from mde_grader.checking.api import CheckFailedError, eventually, expect, fail, requirement

__all__ = ["CheckFailedError", "eventually", "expect", "fail", "requirement"]
