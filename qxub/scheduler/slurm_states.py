"""What squeue(1) and sacct(1) say of a job: states, reasons and exit codes of Slurm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qxub.job import NOT_STARTED, JobState, Outcome, OutcomeKind
from qxub.scheduler.base import JobReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, str]

SQUEUE_FIELDS = (
    ("job", "ArrayJobID"),
    ("member", "ArrayTaskID"),
    ("state", "State"),
    ("code", "exit_code"),
    ("reason", "Reason"),
    ("queue", "Partition"),
    ("nodes", "NodeList"),
    ("submitted", "SubmitTime"),
    ("start", "StartTime"),
    ("end", "EndTime"),
    ("elapsed", "TimeUsed"),
)
"""our name of each field, and that of `squeue --Format`"""
SACCT_FIELDS = (
    ("id", "JobID"),
    ("state", "State"),
    ("code", "ExitCode"),
    ("reason", "Reason"),
    ("queue", "Partition"),
    ("nodes", "NodeList"),
    ("submitted", "Submit"),
    ("start", "Start"),
    ("end", "End"),
    ("elapsed", "Elapsed"),
)
"""our name of each field, and that of `sacct --format`"""

# squeue(1), JOB STATE CODES
_STATES = {
    "PENDING": JobState.QUEUED,
    "CONFIGURING": JobState.QUEUED,
    "REQUEUED": JobState.QUEUED,
    "REQUEUE_FED": JobState.QUEUED,
    "RESV_DEL_HOLD": JobState.HELD,
    "REQUEUE_HOLD": JobState.HELD,
    "SPECIAL_EXIT": JobState.HELD,
    "RUNNING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "RESIZING": JobState.RUNNING,
    "STOPPED": JobState.SUSPENDED,
    "SUSPENDED": JobState.SUSPENDED,
    "COMPLETING": JobState.EXITING,
    "STAGE_OUT": JobState.EXITING,
}
# squeue(1), JOB REASON CODES, of a job that is PENDING
_REASONS = {
    "JobHeldUser": JobState.HELD,
    "JobHeldAdmin": JobState.HELD,
    "Dependency": JobState.WAITING,
    "DependencyNeverSatisfied": JobState.WAITING,
    "BeginTime": JobState.WAITING,
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
_NOTHING = ("", "None", "N/A", "(null)", "Unknown", "None assigned")


def read_record(job_id: str, record: Record) -> JobReport:
    """Return what Slurm says of one job, or of one member of an array job.

    A state that is not among Slurm's is an ending of which nothing is known.
    """
    word = _word(record["state"])
    reason = _known(record["reason"])
    state = _STATES.get(word, JobState.ENDED)
    if word == "PENDING":
        state = _REASONS.get(reason, state)
    waiting = state in NOT_STARTED
    nodes = _known(record["nodes"])
    start, elapsed = _seconds(record["start"]), _known(record["elapsed"])
    # What was cancelled while it waited has the time of that for its start, and never had a node.
    has_run = not waiting and bool(nodes)
    return JobReport(
        state,
        _outcome(job_id, record["state"], record["code"], reason)
        if state is JobState.ENDED
        else None,
        reason=reason if waiting else "",
        starts_at=start if waiting else None,
        queue=record["queue"],
        nodes=nodes,
        submitted_at=_seconds(record["submitted"]),
        started_at=start if has_run else None,
        ended_at=_seconds(record["end"]) if state is JobState.ENDED else None,
        used={"elapsed": elapsed} if has_run else {},
    )


def _word(state: str) -> str:
    """Return the state alone: sacct says by whom, as in CANCELLED by 1000 (a user ID)."""
    return state.partition(" ")[0]


def never_began(job_id: str) -> Outcome:
    """Return how a member ended of which Slurm has no record, but of other members."""
    detail = "Slurm has no record of it, as of a member that is cancelled before it begins"
    return Outcome(OutcomeKind.CANCELLED, job_id=job_id, detail=detail)


def _known(text: str) -> str:
    return "" if text in _NOTHING else text


def _seconds(text: str) -> float | None:
    """Return the seconds of a time such as 2026-11-23T15:39:18: the cluster's, and ours."""
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None


def _exit_code(text: str) -> tuple[int, int] | None:
    """Return exit status and signal: `3:0` of sacct, or the status of wait(2) of squeue."""
    status, colon, signal = text.partition(":")
    if not status.isdigit() or (colon and not signal.isdigit()):
        return None
    if colon:
        return int(status), int(signal)
    return int(status) >> 8, int(status) & 0x7F


def _outcome(job_id: str, state: str, code: str, reason: str) -> Outcome:
    detail = f"Slurm says {state}" + (f" ({reason})" if reason else "")
    word = _word(state)
    if word in _ENDINGS:
        return Outcome(_ENDINGS[word], job_id=job_id, detail=detail)
    ended = _exit_code(code) if word in ("COMPLETED", "FAILED") else None
    if ended is None or (word == "FAILED" and ended == (0, 0)):
        return Outcome(OutcomeKind.LOST, job_id=job_id, detail=detail)
    status, signal = ended
    if signal:
        return Outcome(OutcomeKind.SIGNALLED, signal=signal, job_id=job_id, detail=detail)
    return Outcome(OutcomeKind.COMPLETED, status=status, job_id=job_id, detail=detail)
