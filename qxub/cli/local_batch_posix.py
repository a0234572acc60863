"""The embedded scheduler's commands, as sbatch and squeue are Slurm's.

Called by the schedulers' common machinery, not by users: `python -m qxub.cli.local_batch`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from qxub.config.paths import state_directory
from qxub.errors import QxubError


def main() -> int:
    """Run one command; what it answers goes to stdout, what went wrong to stderr."""
    if sys.platform == "win32":
        sys.stderr.write("the embedded scheduler needs a POSIX system\n")
        return 1
    from qxub.execution.local_batch_posix import LocalBatch  # noqa: PLC0415 - POSIX only

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
