"""What `qstat -f -F json` says of a job: states, substates and endings of PBS Pro and OpenPBS.

PBS Professional Reference Guide, "States" and "Job Exit Status Codes"; the surprises are those of
OpenPBS 23.06 (tests/data/pbs/README.md).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from qxub.job import NOT_STARTED, JobState, Outcome, OutcomeKind
from qxub.scheduler.base import JobReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    Attributes = Mapping[str, Any]

_STATES = {
    "Q": JobState.QUEUED,
    "T": JobState.QUEUED,
    "M": JobState.QUEUED,
    "W": JobState.WAITING,
    "H": JobState.HELD,
    "R": JobState.RUNNING,
    "B": JobState.RUNNING,
    "S": JobState.SUSPENDED,
    "U": JobState.SUSPENDED,
    "E": JobState.EXITING,
    "F": JobState.ENDED,
    "X": JobState.ENDED,
}
_WAITS_FOR_A_JOB = 22
"""the substate of a job in state H that nobody holds: it waits for another one"""
_DELETED = 91
"""the substate of a job that was deleted; its Exit_status depends on a race"""
_TERMINATED = re.compile(r" and terminated(?: by \S+)?$")
_EXCEEDED = re.compile(r" exceeded resource (\w+)$")
_EXCEEDED_KIND = {
    "walltime": OutcomeKind.WALLTIME_EXCEEDED,
    "mem": OutcomeKind.OUT_OF_MEMORY,
    "vmem": OutcomeKind.OUT_OF_MEMORY,
}
_KILLED = re.compile(r"^=>> PBS: job killed: (\w+) .* exceeded limit .*$", re.MULTILINE)
_STATUS_KIND = {
    -29: OutcomeKind.WALLTIME_EXCEEDED,
    -27: OutcomeKind.OUT_OF_MEMORY,
    -26: OutcomeKind.OUT_OF_MEMORY,
}
_REASONS = {"comment": "", "depend": "waits for ", "Execution_Time": "not before "}
"""the attributes that tell why a job does not run, the best first, and what to put before each"""
_STAND_IN = "Subjob finished"
"""the comment of a member of which PBS has no record: all else is its array's"""
_SIGNALLED = 256
"""is added to the number of the signal"""


def read_job(job_id: str, job: Attributes, *, has_history: bool = True) -> JobReport | None:
    """Return what PBS says of one job, or None where it is in a state that PBS does not have.

    Without a history (`has_history`) PBS forgets members that have run, too: what became of one of
    which it has no record is not known then.
    """
    state = _STATES.get(job.get("job_state", ""))
    if state is None:
        return None
    if state is JobState.HELD and job.get("substate") == _WAITS_FOR_A_JOB:
        state = JobState.WAITING
    started = state not in NOT_STARTED and "array_indices_submitted" not in job
    is_told = state is JobState.ENDED or _TERMINATED.search(str(job.get("comment", "")))
    return JobReport(
        state,
        _outcome(job_id, job, has_history=has_history) if is_told else None,
        reason=_reason(job) if state in NOT_STARTED else "",
        starts_at=None if started else _expected_start(job),
        queue=str(job.get("queue", "")),
        nodes=_nodes(str(job.get("exec_host", ""))),
        submitted_at=_seconds(job.get("ctime")),
        started_at=_seconds(job.get("stime")) if "exec_host" in job else None,
        ended_at=_seconds(job.get("obittime")),
        used={name: str(value) for name, value in job.get("resources_used", {}).items()},
    )


def ending_in_log(text: str, job_id: str) -> Outcome | None:
    """Return the limit that the job's stderr says it was killed at, or None."""
    killed = _KILLED.search(text)
    kind = _EXCEEDED_KIND.get(killed[1]) if killed else None
    return Outcome(kind, job_id=job_id, detail=killed[0]) if killed and kind else None


def _reason(job: Attributes) -> str:
    return next((f"{before}{job[name]}" for name, before in _REASONS.items() if job.get(name)), "")


def _expected_start(job: Attributes) -> float | None:
    estimated = job.get("estimated") or {}
    return _seconds(estimated.get("start_time") or job.get("Execution_Time"))


def _nodes(exec_host: str) -> str:
    """Return the hosts of `vm/0*2+vm/1`, each once, joined by "+"."""
    hosts = (chunk.partition("/")[0] for chunk in exec_host.split("+"))
    return "+".join(dict.fromkeys(host for host in hosts if host))


def _seconds(text: str | None) -> float | None:
    """Return the seconds of a time such as `Mon Nov 23 15:39:18 2026`: the server's, and ours."""
    try:
        return time.mktime(time.strptime(text or "", "%a %b %d %H:%M:%S %Y"))
    except ValueError:
        return None


def _outcome(job_id: str, job: Attributes, *, has_history: bool) -> Outcome | None:
    status, comment = job.get("Exit_status"), str(job.get("comment", ""))
    if _was_deleted(job, comment, has_history=has_history):
        detail = comment or _why_deleted(job)
        return Outcome(OutcomeKind.CANCELLED, job_id=job_id, detail=detail)
    if comment == _STAND_IN:
        return None
    exceeded = _EXCEEDED.search(comment)
    kind = _STATUS_KIND.get(status) if status is not None else None
    if kind is None and exceeded is not None:
        kind = _EXCEEDED_KIND.get(exceeded[1])
    if kind is not None:
        return Outcome(kind, job_id=job_id, detail=comment)
    return _by_status(job_id, status, comment)


def _was_deleted(job: Attributes, comment: str, *, has_history: bool) -> bool:
    if job.get("substate") == _DELETED or _TERMINATED.search(comment):
        return True
    if comment == _STAND_IN:  # its Exit_status, if any, is the array's
        return has_history
    return job.get("Exit_status") is None and "stime" not in job  # what it waited for has failed


def _why_deleted(job: Attributes) -> str:
    """Return why PBS deleted a job of which it says no more.

    Where somebody deleted it, that it waited for another one does not matter any more; and
    `before…` is of jobs that wait for this one.
    """
    conditions = re.sub(r"@[^:,]*", "", str(job.get("depend") or "")).split(",")
    failed = [text for text in conditions if text and not text.startswith("before")]
    if job.get("substate") == _DELETED or not failed:
        return "the job was deleted"
    return f"its dependency cannot be met any more ({', '.join(failed)}), so PBS deleted it"


def _by_status(job_id: str, status: int | None, comment: str) -> Outcome:
    if status is not None and 0 <= status < _SIGNALLED:
        return Outcome(OutcomeKind.COMPLETED, status=status, job_id=job_id, detail=comment)
    if status is not None and _SIGNALLED < status < _SIGNALLED + 128:
        signal = status - _SIGNALLED
        return Outcome(OutcomeKind.SIGNALLED, signal=signal, job_id=job_id, detail=comment)
    said = "no Exit_status" if status is None else f"Exit_status {status}"
    return Outcome(OutcomeKind.LOST, job_id=job_id, detail=f"PBS gives {said}. {comment}")
