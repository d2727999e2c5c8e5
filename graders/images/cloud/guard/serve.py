"""Start the lab's cloud on port 5000."""

from __future__ import annotations

import logging
import os

from moto.backends import get_backend
from moto.moto_api._internal import moto_api_backend
from moto.moto_server.werkzeug_app import create_backend_app
from waitress import serve

from .gate import Gate
from .mends import mend

SERVICES = ("dynamodb", "ec2", "ecr", "events", "iam", "kms", "logs", "s3", "sns", "ssm", "sts")
"""Services that there are: those that Terraform's provider makes in seconds and moto keeps as AWS does."""

PORT = 5000
THREADS = 16
"""Requests that are read at once; Terraform makes ten calls side by side."""
CONNECTIONS = 500


def main() -> None:
    """Load every service, then listen: who is answered finds all of them quick."""
    mend()
    apps = {service: create_backend_app(service) for service in SERVICES}
    # The first call of a region makes its default network, image list and instance types: half a second.
    get_backend("ec2")[os.environ["MOTO_ACCOUNT_ID"]][os.environ.get("AWS_REGION", "us-east-1")]
    gate = Gate(apps, os.environ.pop("GUARD_TOKEN", ""), moto_api_backend.reset)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    serve(gate, host="0.0.0.0", port=PORT, threads=THREADS, connection_limit=CONNECTIONS, ident="")  # noqa: S104


if __name__ == "__main__":
    main()
