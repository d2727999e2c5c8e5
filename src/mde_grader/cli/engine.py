"""How commands get at the container engine."""

from __future__ import annotations

import os
from pathlib import Path

import docker

from mde_grader.runtimes.docker.client import Engine, connect_engine, sdk_client

PATIENCE = 900
"""Seconds that the engine may be silent while it builds, saves or loads an image."""


def image_client(engine: Engine | None = None) -> docker.DockerClient:
    """The SDK's client over our own connection, which knows where an engine may answer.

    Args:
        engine: A connection that is there already.

    Raises:
        EngineUnavailableError: No engine answers.
    """
    api = engine or connect_engine(os.environ, Path.home())
    api.timeout = PATIENCE
    return sdk_client(api)
