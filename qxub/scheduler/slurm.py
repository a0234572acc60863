"""Slurm: sbatch(1), scontrol(1), scancel(1)."""

from __future__ import annotations

import re

from qxub.job import JobState, Outcome, OutcomeKind
from qxub.quantities import format_clock
from qxub.scheduler.base import Answer, JobReport, Submission, mebibytes, requested_queue

_STATES = {
    "PENDING": JobState.QUEUED,
    "CONFIGURING": JobState.QUEUED,
    "REQUEUED": JobState.QUEUED,
    "REQUEUE_FED": JobState.QUEUED,
    "REQUEUE_HOLD": JobState.HELD,
    "SPECIAL_EXIT": JobState.HELD,
    "RUNNING": JobState.RUNNING,
    "COMPLETING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "STAGE_OUT": JobState.RUNNING,
    "STOPPED": JobState.RUNNING,
    "SUSPENDED": JobState.RUNNING,
    "RESIZING": JobState.RUNNING,
}
_ENDINGS = {
    "TIMEOUT": OutcomeKind.WALLTIME_EXCEEDED,
    "DEADLINE": OutcomeKind.WALLTIME_EXCEEDED,
    "OUT_OF_MEMORY": OutcomeKind.OUT_OF_MEMORY,
    "CANCELLED": OutcomeKind.CANCELLED,
    "NODE_FAIL": OutcomeKind.LOST,
    "BOOT_FAIL": OutcomeKind.LOST,
    "PREEMPTED": OutcomeKind.LOST,
    "REVOKED": OutcomeKind.LOST,
}
_JOB_ID = re.compile(r"^(\d+)(?:;\S+)?$", re.MULTILINE)
_UNREACHABLE = (
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Could not establish a configuration source",
)


class Slurm:
    """The Slurm Workload Manager."""

    name = "slurm"
    query_interval = 2.0
    job_id_variable = "SLURM_JOB_ID"
    index_variable = "SLURM_ARRAY_TASK_ID"

    def directives(self, submission: Submission) -> list[str]:
        """Return `#SBATCH` lines."""
        spec = submission.spec
        options = {
            "job-name": submission.name,
            "partition": requested_queue(spec),
            "account": spec.project,
            "cpus-per-task": spec.resources.cpus,
            "mem": spec.resources.memory and f"{mebibytes(spec.resources.memory)}M",
            "time": spec.resources.walltime and format_clock(spec.resources.walltime),
        }
        lines = [f"#SBATCH --{key}={value}" for key, value in options.items() if value is not None]
        return [*lines, "#SBATCH --no-requeue"]

    def submit(self, submission: Submission) -> list[str]:
        """Submit by sbatch(1); --parsable prints `ID` or `ID;CLUSTER`."""
        return ["sbatch", "--parsable", f"--output={submission.log}", str(submission.script)]

    def job_id(self, answer: Answer) -> str | None:
        """Return the number; sites print notices around it."""
        match = _JOB_ID.search(answer.stdout)
        return match[1] if match else None

    def query(self, job_id: str) -> list[str]:
        """Ask the controller, which needs no accounting and knows a job MinJobAge after its end."""
        return ["scontrol", "--oneliner", "show", "job", job_id]

    def report(self, job_id: str, answer: Answer) -> JobReport | None:
        """Read JobState and ExitCode."""
        if answer.status != 0 and "Invalid job id" in answer.stderr:
            return None
        state = _field(answer.stdout, "JobState")
        if _field(answer.stdout, "JobId") != job_id or state is None:
            message = f"scontrol said nothing of job {job_id}: {answer.stdout[:200]!r}"
            raise ValueError(message)
        if state in _STATES:
            held = (_field(answer.stdout, "Reason") or "").startswith("JobHeld")
            return JobReport(JobState.HELD if held else _STATES[state])
        return JobReport(JobState.ENDED, _outcome(job_id, state, answer.stdout))

    def cancel(self, job_id: str) -> list[str]:
        """Cancel, queued or running; TERM first, KILL after KillWait (slurm.conf(5))."""
        return ["scancel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether the controller did not answer."""
        return any(words in answer.stderr for words in _UNREACHABLE)


def _field(text: str, key: str) -> str | None:
    match = re.search(rf"(?:^|\s){key}=(\S+)", text)
    return match[1] if match else None


def _outcome(job_id: str, state: str, text: str) -> Outcome:
    detail = f"Slurm says {state}"
    if state in _ENDINGS:
        return Outcome(_ENDINGS[state], job_id=job_id, detail=detail)
    status, _, signal = (_field(text, "ExitCode") or "").partition(":")
    if state not in ("COMPLETED", "FAILED") or not (status.isdigit() and signal.isdigit()):
        return Outcome(OutcomeKind.LOST, job_id=job_id, detail=detail)
    if int(signal):
        return Outcome(OutcomeKind.SIGNALLED, signal=int(signal), job_id=job_id, detail=detail)
    return Outcome(OutcomeKind.COMPLETED, status=int(status), job_id=job_id, detail=detail)
