"""A process that watches many jobs for some seconds: `watchers.py DIRECTORY FIRST COUNT SECONDS`.

It goes on until every job was told of: on a busy machine the processes begin far apart, and a look
at all the jobs takes its time. Its scheduler's command notes each call in DIRECTORY/calls. It ends
with 0 where every job was told of in the end, each with its own report; else it says which.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.execution.commands import run_command
from qxub.execution.watch import Watch
from qxub.job import JobState
from qxub.scheduler.base import JobReport

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERVAL = 1.0
PATIENCE = 90.0
"""seconds, at the most"""
COMMAND = 'date +%s.%N >>"$0/calls.part.$$"; mv "$0/calls.part.$$" "$0/calls.$$"; echo "$@"'


def main(directory: Path, first: int, count: int, seconds: float) -> int | str:
    def ask(job_ids: Sequence[str]) -> dict[str, JobReport | None]:
        answer = run_command(["sh", "-c", COMMAND, str(directory), *job_ids])
        return {job: JobReport(JobState.QUEUED, reason=job) for job in answer.stdout.split()}

    names = [f"{number}.server" for number in range(first, first + count)]
    watches = {name: Watch(directory / "watch", name, ask, INTERVAL) for name in names}
    begun = time.monotonic()
    unanswered = names
    while time.monotonic() < begun + (PATIENCE if unanswered else seconds):
        for watch in watches.values():
            watch.look()
        unanswered = [name for name, watch in watches.items() if not watch.is_answered]
        time.sleep(0.02)
    reports = {name: watch.report for name, watch in watches.items()}
    for watch in watches.values():
        watch.close()
    wrong = {
        name: report for name, report in reports.items() if not report or report.reason != name
    }
    return f"{len(wrong)} of {count}: {wrong}" if wrong else 0


if __name__ == "__main__":
    place, start, number, length = sys.argv[1:]
    sys.exit(main(Path(place), int(start), int(number), float(length)))
