"""`python -m qxub` is `qxub`."""

import sys

from qxub.cli.entry import qxub

sys.exit(qxub())
