"""Workspaces in environment.yaml: what is read, and how what is wrong is told."""

from __future__ import annotations

import json

import pytest

from mde_grader.codec.documents import read_yaml
from mde_grader.codec.environments import environment_from
from mde_grader.codec.nodes import document_from
from mde_grader.codec.schemas import problems
from mde_grader.environments import Environment
from mde_grader.errors import LabInvalidError
from mde_grader.runtimes.base import Limits, Mount, ServiceSpec
from mde_grader.variables import filled, references

TEXT = """\
services:
  cloud:
    image: mde-grade/cloud
    environment: {GUARD_TOKEN: "${CLOUD_TOKEN}"}
  workspace:
    image: mde-grade/terraform
    user: "1000:1000"
    environment:
      SITE: "${SITE_NAME}"
    tmpfs: ["/tmp:exec"]
    volumes: ["work:/work"]
    working_dir: /work
    x-mde: {workspace: true, memory_mb: 768, tmp_mb: 64, layer_mb: 256}
x-mde:
  kind: workspace
  main: workspace
  deadline: 300
  variables: {CLOUD_TOKEN: secret, SITE_NAME: word}
"""


def read(text: str = TEXT) -> Environment:
    return environment_from(document_from(text, file="environment.yaml"))


def test_a_workspace_is_no_service_of_the_stack() -> None:
    environment = read()
    assert (environment.kind, environment.main, environment.required) == ("workspace", "workspace", ())
    assert [service.name for service in environment.services] == ["cloud"]
    assert environment.workspaces == (
        ServiceSpec(
            "workspace",
            "mde-grade/terraform",
            environment={"SITE": "${SITE_NAME}"},
            user="1000:1000",
            tmpfs=("/tmp:exec",),
            mounts=(Mount("work", "/work"),),
            working_dir="/work",
            limits=Limits(memory_mb=768, tmp_mb=64, layer_mb=256),
        ),
    )
    assert not list(problems("environment", read_yaml(TEXT).data))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'user: "1000:1000"',
            'user: "0"',
            "environment.yaml:7: services.workspace.user must be a number, and not root's",
        ),
        ('user: "1000:1000"', "user: app", "must be a number"),
        ('user: "1000:1000"', "command: [a]", "services.workspace.command has no meaning for a workspace"),
        ("memory_mb: 768", 'ready: "tcp://a:1"', "services.workspace.x-mde.ready has no meaning"),
        ('volumes: ["work:/work"]', "cap_add: []", "cap_add has no meaning"),
        ('    volumes: ["work:/work"]\n', "", "needs `working_dir: /tmp`, where commands of a workspace"),
        ('["work:/work"]', '["work:/work:ro"]', "services.workspace.volumes must be writable"),
        ("working_dir: /work", "working_dir: /else", "needs `working_dir: /work`"),
        ("    working_dir: /work\n", "", "needs `working_dir: /work`"),
        ("${SITE_NAME}", "${CLOUD_TOKEN}", "environment.yaml:9: services.workspace.environment.SITE names the secret"),
        ("${SITE_NAME}", "${NOBODY}", "names ${NOBODY}, which is not in `x-mde: variables`"),
        ("${CLOUD_TOKEN}", "$CLOUD", "services.cloud.environment.GUARD_TOKEN has a `$`"),
        ("main: workspace", "main: cloud", "must name a service with `x-mde: {workspace: true}`"),
        ("kind: workspace", "kind: compose", "kind must be `workspace`, for 'workspace' is one"),
        ("deadline: 300", "bases: [scratch]", "bases has no meaning in a workspace lab"),
        ("workspace: true", 'workspace: "yes"', "must be true or false"),
        ("workspace: true", "workspace: false", "main must name a service"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(LabInvalidError) as caught:
        read(TEXT.replace(old, new, 1))
    assert message in caught.value.message


@pytest.mark.parametrize("said", ["", "    working_dir: /tmp\n"])
def test_commands_of_a_workspace_without_a_volume_work_in_its_tmp(said: str) -> None:
    text = TEXT.replace('    volumes: ["work:/work"]\n', "").replace("    working_dir: /work\n", said)
    (workspace,) = read(text).workspaces
    assert workspace.mounts == ()
    assert not list(problems("environment", read_yaml(text).data))


def test_a_list_of_variables_is_looked_at_as_well() -> None:
    wrong = TEXT.replace('{GUARD_TOKEN: "${CLOUD_TOKEN}"}', json.dumps(["A=1", "B=${NOBODY}"]))
    with pytest.raises(LabInvalidError, match=r"environment\[1\] names"):
        read(wrong)


def test_no_service_waits_for_a_workspace() -> None:
    with pytest.raises(LabInvalidError, match="neither a service of the lab"):
        read(TEXT.replace("    image: mde-grade/cloud\n", "    image: mde-grade/cloud\n    depends_on: [workspace]\n"))


def test_variables_are_replaced() -> None:
    assert references("a${B}c$$d${E_1}") == ("B", "E_1")
    assert filled("a${B}c$$d${E_1}", {"B": "$$", "E_1": "2"}) == "a$$c$d2"
    for wrong in ("$", "$B", "${b}", "${B:-c}"):
        with pytest.raises(ValueError, match="names no variable"):
            references(wrong)
