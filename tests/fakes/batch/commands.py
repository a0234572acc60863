"""The commands by name."""

from __future__ import annotations

import sys
from typing import Callable

from tests.fakes.batch import changes, listing, status, submission
from tests.fakes.batch.site_state import Refused

COMMANDS: dict[str, Callable[[list[str]], str]] = {
    "qsub": submission.qsub,
    "qstat": status.qstat,
    "qdel": changes.qdel,
    "qhold": changes.qhold,
    "qrls": changes.qrls,
    "qalter": changes.qalter,
    "qselect": listing.qselect,
    "pbsnodes": listing.pbsnodes,
}


def main(name: str, argv: list[str]) -> None:
    """Run a command, and exit as it did."""
    if argv == ["--version"]:
        sys.stdout.write("pbs_version = 23.06.06\n")
        return
    try:
        sys.stdout.write(COMMANDS[name](argv))
    except Refused as error:
        sys.stdout.write(error.stdout)
        sys.stderr.write(error.words)
        sys.exit(error.status)
