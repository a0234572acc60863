"""The embedded scheduler: batch jobs on this one machine.

Its commands are qxub's own (`qxub.cli.local_batch_posix`), called as any other scheduler's are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qxub.job import JobState, Outcome, OutcomeKind
from qxub.scheduler.base import Answer, JobReport, Submission

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENDED_BY_US = {
    "cancelled": OutcomeKind.CANCELLED,
    "walltime": OutcomeKind.WALLTIME_EXCEEDED,
    "vanished": OutcomeKind.LOST,
}


class Local:
    """Jobs on this machine, queued for its cores."""

    name = "local"
    query_interval = 1.0
    job_id_variable = "QXUB_JOB_ID"
    index_variable = "QXUB_ARRAY_INDEX"

    def __init__(self, batch: Sequence[str]) -> None:
        """Take the argv prefix that runs the batch system's commands."""
        self._batch = list(batch)

    def directives(self, submission: Submission) -> list[str]:
        """Return none: resources go on the command line."""
        del submission
        return []

    def submit(self, submission: Submission) -> list[str]:
        """Submit with the cores, the walltime in seconds, and the log."""
        resources = submission.spec.resources
        words = [*self._batch, "submit", f"--cpus={resources.cpus or 1}"]
        if resources.walltime is not None:
            words.append(f"--walltime={resources.walltime}")
        return [*words, f"--log={submission.log}", str(submission.script)]

    def job_id(self, answer: Answer) -> str | None:
        """Return the one line that `submit` prints."""
        return answer.stdout.strip() or None

    def query(self, job_id: str) -> list[str]:
        """Ask for one job, answered in JSON."""
        return [*self._batch, "query", job_id]

    def report(self, job_id: str, answer: Answer) -> JobReport | None:
        """Read state, and how the job ended."""
        job = json.loads(answer.stdout)
        if job["state"] == "unknown":
            return None
        state = JobState(job["state"])
        return JobReport(state, _outcome(job_id, job) if state is JobState.ENDED else None)

    def cancel(self, job_id: str) -> list[str]:
        """Cancel, queued or running: TERM to the process group, KILL after a grace."""
        return [*self._batch, "cancel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return False: the embedded scheduler has no server that could be down."""
        del answer
        return False


def _outcome(job_id: str, job: dict[str, Any]) -> Outcome:
    if job["reason"] in _ENDED_BY_US:
        return Outcome(_ENDED_BY_US[job["reason"]], job_id=job_id)
    if job["signal"]:
        return Outcome(OutcomeKind.SIGNALLED, signal=job["signal"], job_id=job_id)
    return Outcome(OutcomeKind.COMPLETED, status=job["status"], job_id=job_id)
