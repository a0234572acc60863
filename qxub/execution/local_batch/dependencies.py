"""What a job waits for: `after`, `afterok`, `afternotok` and `afterany` of other jobs.

They mean what qsub(1B) and sbatch(1) agree on. An array counts as a whole. A job whose condition
can never be met any more ends as cancelled.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from qxub.errors import RefusedError
from qxub.execution.local_batch.job_ids import NO_INDEX, job_id, parse_job_id
from qxub.execution.local_batch.members import MemberEnding, end_member
from qxub.job import OutcomeKind
from qxub.job_checks import CONDITIONS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


class _Verdict(enum.Enum):
    OPEN = "open"
    MET = "met"
    NEVER = "never"


class _Standing(NamedTuple):
    """How many members a job has, and what has become of them."""

    members: int
    begun: int
    ended: int
    succeeded: int

    def verdict(self, condition: str) -> _Verdict:
        """Return what is known of a condition by now."""
        if condition == "after":  # as with Slurm, one that was cancelled before its start counts
            return _Verdict.MET if self.begun == self.members else _Verdict.OPEN
        if condition == "afterok" and self.succeeded < self.ended:
            return _Verdict.NEVER
        if self.ended < self.members:
            return _Verdict.OPEN
        if condition == "afternotok" and self.succeeded == self.members:
            return _Verdict.NEVER
        return _Verdict.MET


def add_dependencies(queue: sqlite3.Connection, number: int, dependencies: Sequence[str]) -> None:
    """Record what a new job waits for, written CONDITION:JOB_ID.

    Raises RefusedError for a condition or a job that does not exist.
    """
    others = []
    for text in dependencies:
        condition, _, other_id = text.partition(":")
        if condition not in CONDITIONS:
            message = f"{text!r} is no dependency of jobs on this machine"
            hint = (
                f"Write one of {', '.join(CONDITIONS)} before the job ID, as in afterok:12.local."
            )
            raise RefusedError(message, hint=hint)
        other, index = parse_job_id(other_id)
        if index != NO_INDEX:
            message = f"the job depends on {other_id}, one member of an array"
            hint = f"Let it wait for the whole array: {condition}:{job_id(other)}."
            raise RefusedError(message, hint=hint)
        if other == number or not _standing(queue, other).members:
            message = (
                f"the job depends on {other_id}, which the queue of this machine does not know"
            )
            raise RefusedError(message)
        queue.execute("INSERT INTO dependencies VALUES (?, ?, ?)", (number, condition, other))
        others.append(other)
    for other in others:
        settle(queue, other)


def settle(queue: sqlite3.Connection, number: int) -> None:
    """After a job has started or ended: let go, or end, the jobs that wait for it."""
    unsettled = [number]
    while unsettled:
        other = unsettled.pop()
        waiting = queue.execute(
            "SELECT rowid, job, condition FROM dependencies WHERE other = ?", (other,)
        ).fetchall()
        standing = _standing(queue, other) if waiting else None
        for row, job, condition in waiting:
            verdict = standing.verdict(condition) if standing else _Verdict.OPEN
            if verdict is _Verdict.MET:
                queue.execute("DELETE FROM dependencies WHERE rowid = ?", (row,))
                _let_go(queue, job)
            elif verdict is _Verdict.NEVER:
                _end(queue, job, f"{condition}:{job_id(other)} can never be met")
                unsettled.append(job)


def awaited(queue: sqlite3.Connection, number: int) -> str:
    """Return in words what a job still waits for."""
    found = queue.execute("SELECT condition, other FROM dependencies WHERE job = ?", (number,))
    return "waits for " + " and ".join(
        f"{CONDITIONS[condition]} of {job_id(other)}" for condition, other in found
    )


def _standing(queue: sqlite3.Connection, number: int) -> _Standing:
    row = queue.execute(
        "SELECT count(*), coalesce(sum(state IN ('running', 'ended')), 0),"
        " coalesce(sum(state = 'ended'), 0), coalesce(sum(kind = ? AND status = 0), 0)"
        " FROM members WHERE job = ?",
        (OutcomeKind.COMPLETED.label, number),
    ).fetchone()
    return _Standing(*row)


def _let_go(queue: sqlite3.Connection, number: int) -> None:
    queue.execute(
        "UPDATE members SET state = 'queued' WHERE job = ? AND state = 'waiting'"
        " AND NOT EXISTS (SELECT 1 FROM dependencies WHERE dependencies.job = members.job)",
        (number,),
    )


def _end(queue: sqlite3.Connection, number: int, reason: str) -> None:
    """End a job whose dependency can never be met."""
    queue.execute("DELETE FROM dependencies WHERE job = ?", (number,))
    members = queue.execute(
        "SELECT array_index FROM members WHERE job = ? AND state != 'ended'", (number,)
    ).fetchall()
    for (index,) in members:
        end_member(queue, number, index, MemberEnding(OutcomeKind.CANCELLED, detail=reason))
