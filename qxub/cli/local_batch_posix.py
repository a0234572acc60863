"""The embedded scheduler's commands, as sbatch and squeue are Slurm's.

Called by the schedulers' common machinery, not by users: `python -m qxub.cli.local_batch_posix`.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import argparse
import json
from pathlib import Path

from qxub.config.paths import state_directory
from qxub.errors import QxubError
from qxub.execution.local_batch_posix import LocalBatch


def main() -> int:
    """Run one command; what it answers goes to stdout, what went wrong to stderr."""
    words = _parser().parse_args()
    batch = LocalBatch(state_directory())
    try:
        if words.action == "submit":
            cpus, walltime, log = words.cpus, words.walltime, words.log
            answer = batch.submit(words.script, cpus=cpus, walltime=walltime, log=log)
            sys.stdout.write(f"{answer}\n")
        elif words.action == "query":
            sys.stdout.write(json.dumps(batch.query(words.job_id)) + "\n")
        elif words.action == "cancel":
            batch.cancel(words.job_id)
        else:
            batch.supervise(words.job_id)
    except QxubError as error:
        sys.stderr.write(f"{error.message}. {error.hint}\n")
        return error.exit_status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    submit = actions.add_parser("submit")
    submit.add_argument("--cpus", type=int, required=True)
    submit.add_argument("--walltime", type=int, help="seconds")
    submit.add_argument("--log", type=Path, required=True)
    submit.add_argument("script", type=Path)
    for action in ("query", "cancel", "supervise"):
        actions.add_parser(action).add_argument("job_id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
