"""The embedded scheduler's commands, as sbatch and squeue are Slurm's.

Called by the schedulers' common machinery, not by users: `python -m qxub.cli.local_batch_posix`.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import argparse
import dataclasses
import json
from pathlib import Path

from qxub.config.paths import state_directory
from qxub.errors import QxubError
from qxub.execution.local_batch.queue_posix import LocalBatch
from qxub.execution.local_batch.submission_posix import NewJob
from qxub.option import ARRAY


def main() -> int:
    """Run one command; what it answers goes to stdout, what went wrong to stderr."""
    words = _parser().parse_args()
    try:
        _run(words, LocalBatch(state_directory()))
    except QxubError as error:
        sys.stderr.write(f"{error.message}. {error.hint}".rstrip() + "\n")
        return error.exit_status
    return 0


def _run(words: argparse.Namespace, batch: LocalBatch) -> None:
    if words.action == "submit":
        options = {field.name: getattr(words, field.name) for field in dataclasses.fields(NewJob)}
        sys.stdout.write(f"{batch.submit(NewJob(**options))}\n")
    elif words.action == "query":
        sys.stdout.write(json.dumps(batch.query(words.job_ids)) + "\n")
    elif words.action == "find":
        sys.stdout.writelines(f"{found}\n" for found in batch.find(words.run_id))
    elif words.action == "supervise":
        # Submissions are many, and do not need what this imports.
        from qxub.execution.local_batch.supervise_posix import supervise  # noqa: PLC0415

        supervise(batch, words.job_id)
    else:
        change = {"cancel": batch.cancel, "hold": batch.hold, "release": batch.release}
        change[words.action](words.job_id)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    submit = actions.add_parser("submit")
    submit.add_argument("--run-id")
    submit.add_argument("--name", default=NewJob.name)
    submit.add_argument("--cpus", type=int, default=NewJob.cpus)
    submit.add_argument("--memory", type=int, default=NewJob.memory, help="bytes")
    submit.add_argument("--walltime", type=int, help="seconds")
    submit.add_argument("--array", type=ARRAY.parse, help="such as 1-10:2%%4")
    submit.add_argument("--dependency", dest="dependencies", action="append", default=[])
    submit.add_argument("--hold", action="store_true")
    submit.add_argument("--log", type=Path, required=True)
    submit.add_argument("script", type=Path)
    actions.add_parser("query").add_argument("job_ids", nargs="*")
    actions.add_parser("find").add_argument("run_id")
    for action in ("cancel", "hold", "release", "supervise"):
        actions.add_parser(action).add_argument("job_id")
    return parser


if __name__ == "__main__":
    sys.exit(main())
