"""A process that watches many jobs for some seconds: `watchers.py DIRECTORY FIRST COUNT SECONDS`.

Its scheduler's command notes each call in DIRECTORY/calls. It ends with 0 where every job was told
of, each with its own report.
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
COMMAND = 'date +%s.%N >>"$0/calls.part.$$"; mv "$0/calls.part.$$" "$0/calls.$$"; echo "$@"'


def main(directory: Path, first: int, count: int, seconds: float) -> int:
    def ask(job_ids: Sequence[str]) -> dict[str, JobReport | None]:
        answer = run_command(["sh", "-c", COMMAND, str(directory), *job_ids])
        return {job: JobReport(JobState.QUEUED, reason=job) for job in answer.stdout.split()}

    names = [f"{number}.server" for number in range(first, first + count)]
    watches = {name: Watch(directory / "watch", name, ask, INTERVAL) for name in names}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for watch in watches.values():
            watch.look()
        time.sleep(0.02)
    reports = {name: watch.report for name, watch in watches.items()}
    for watch in watches.values():
        watch.close()
    return 0 if all(report and report.reason == name for name, report in reports.items()) else 1


if __name__ == "__main__":
    place, start, number, length = sys.argv[1:]
    sys.exit(main(Path(place), int(start), int(number), float(length)))
