"""`python -m mde_grader` is `mde-grade`."""

import sys

from mde_grader.cli import main

sys.exit(main())
