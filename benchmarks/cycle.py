"""(f) An attempt at lab-03, against the bare cycle of Terraform on the same files, by hand in one container."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import docker
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from docker.models.containers import Container

from benchmarks.ground import ROOT, command, environment
from benchmarks.pairs import Ceiling, Result, measure
from mde_grader.engines import connect
from mde_grader.labs import load_lab
from mde_grader.solutions import lay_out, read_solutions

GOAL = 2.0
"""For all that the lab does beyond the cycle: a second environment, drift, a held lock, wrong values."""

LAB = ROOT / "labs" / "lab-03"
STATES = "nordhafen-states"
REGION = "us-east-1"
"""Of the state bucket; there no place has to be named when a bucket is made."""
MEMORY = {"cloud": "512m", "terraform": "768m"}

CYCLE = """
set -e
cp -r /submission "/tmp/$NAME"
cd "/tmp/$NAME"
terraform init -no-color -backend-config="bucket=$STATES" -backend-config="key=$NAME" -backend-config="region=$REGION"
terraform plan -no-color -out=made
terraform apply -no-color made
terraform plan -no-color -detailed-exitcode
terraform destroy -no-color -auto-approve
"""


class Bench:
    """A cloud and a container with Terraform in it, both warm, as somebody who works by hand has them."""

    def __init__(self, client: docker.DockerClient, tags: dict[str, str], submission: Path) -> None:
        self._network = client.networks.create(f"mde-bench-{secrets.token_hex(4)}")
        self._made: list[Container] = []
        try:
            cloud = self._start(client, tags["cloud"], MEMORY["cloud"], {"GUARD_TOKEN": secrets.token_hex(16)})
            self._tool = self._start(client, tags["terraform"], MEMORY["terraform"], {}, ["sleep", "3600"])
            self._tool.put_archive("/", _packed(submission))
            cloud.reload()
            address = cloud.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"]
            self._endpoint = f"http://{address}:5000"
            _make_bucket(self._endpoint)
        except BaseException:
            self.close()
            raise

    def _start(
        self,
        client: docker.DockerClient,
        image: str,
        memory: str,
        given: dict[str, str],
        words: list[str] | None = None,
    ) -> Container:
        made = client.containers.run(
            image, words, detach=True, init=True, network=self._network.name, mem_limit=memory, environment=given
        )
        self._made.append(made)
        return made

    def cycle(self) -> None:
        """Init, plan, apply, plan and destroy, of an environment of its own.

        Raises:
            RuntimeError: One of them failed, or the second plan found something to do.
        """
        name = f"b{secrets.token_hex(3)}"
        given = {
            "NAME": name,
            "STATES": STATES,
            "REGION": REGION,
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": "AKIABENCH",
            "AWS_SECRET_ACCESS_KEY": "not-checked",
            "TF_VAR_environment": name,
            "TF_VAR_cidr": "10.77.0.0/16",
            "TF_VAR_app_count": "2",
        }
        ended = self._tool.exec_run(["sh", "-c", CYCLE], environment=given)
        if ended.exit_code:
            raise RuntimeError(f"the bare cycle ended with {ended.exit_code}: {str(ended.output)[-500:]}")

    def close(self) -> None:
        """Remove everything."""
        for container in self._made:
            container.remove(force=True, v=True)
        self._network.remove()


def _packed(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, "submission")
    return packed.getvalue()


def _make_bucket(endpoint: str) -> None:
    """The bucket for states, as soon as the cloud answers."""
    patient = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    s3: Any = botocore.session.get_session().create_client(
        "s3",
        region_name=REGION,
        endpoint_url=endpoint,
        config=patient,
        aws_access_key_id="AKIABENCH",
        aws_secret_access_key="not-checked",  # noqa: S106 - the cloud looks at no signature
    )
    until = time.monotonic() + 30
    while True:
        try:
            s3.create_bucket(Bucket=STATES)
        except BotoCoreError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def bench(submission: Path) -> Iterator[Bench]:
    """Everything that the bare cycle stands on; taken down at the end."""
    engine = connect(load_lab(str(LAB)).environment())
    made = Bench(docker.from_env(), engine.tags, submission)
    try:
        yield made
    finally:
        made.close()
        engine.runtime.close()


def run(pairs: int = 3) -> Sequence[Result]:
    """Measure whole attempts at the reference, and tell where the last one's time went."""
    folder = load_lab(str(LAB)).given_to(None)
    with tempfile.TemporaryDirectory(prefix="mde-cycle-") as place:
        submission, output = Path(place) / "submission", Path(place) / "out"
        reference = next(each for each in read_solutions(folder) if each.name == "reference")
        lay_out(folder, reference, submission)
        line = command(LAB, submission, "--format", "json", "--output", str(output))

        def ours() -> None:
            subprocess.run(line, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment(place))

        with bench(submission) as made:
            ratio = measure("mde-grade lab-03, the reference", made.cycle, ours, pairs=pairs, goal=GOAL)
        return [ratio, *phases(json.loads((output / "scorecard.json").read_text(encoding="utf-8")))]


def phases(card: dict[str, Any]) -> list[Ceiling]:
    """Where an attempt's time went: its phases, and what was waited for in its checks, the longest first."""
    rows = [(f"phase {each['name']}", each["seconds"]) for each in card["phases"]]
    outcomes = [each for row in card["results"] for each in row["outcomes"]]
    waits = sorted(((f"check {each['check']}", each["seconds"]) for each in outcomes), key=lambda row: -row[1])
    return [Ceiling(name, seconds, None, "s", 1) for name, seconds in [*rows, *waits[:6]]]
