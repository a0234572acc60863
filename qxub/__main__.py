"""`python -m qxub` is `qxub`."""

import sys

from qxub.cli.main import qxub

sys.exit(qxub())
