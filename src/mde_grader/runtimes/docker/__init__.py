"""The Docker engine as a runtime: `connect()` gives it."""

from mde_grader.runtimes.docker.runtime import DockerRuntime, connect

__all__ = ["DockerRuntime", "connect"]
