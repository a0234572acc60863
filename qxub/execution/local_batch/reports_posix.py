"""What the queue tells of its jobs."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import os
from typing import TYPE_CHECKING, Any

from qxub.execution.local_batch.dependencies import awaited
from qxub.execution.local_batch.dispatch_posix import free_shares
from qxub.execution.local_batch.job_ids import NO_INDEX, job_id
from qxub.quantities import format_memory

if TYPE_CHECKING:
    import sqlite3

_TOLD = (
    "state",
    "kind",
    "status",
    "signal",
    "detail",
    "started_at",
    "ended_at",
    "cpu_time",
    "memory_peak",
)
"""of a member, by the columns of the database"""


def describe(queue: sqlite3.Connection, number: int, index: int) -> dict[str, Any] | None:
    """Return what is known of a job, in values of JSON: None for an unknown one.

    The members of an array stand under their indices. Of a job that is no array, and of a member
    that is asked for by its index, the facts stand beside the job's own.
    """
    job = queue.execute("SELECT * FROM jobs WHERE number = ?", (number,)).fetchone()
    if job is None:
        return None
    facts = {key: job[key] for key in ("name", "run_id", "submitted_at")}
    facts["node"] = os.uname().nodename
    rows = queue.execute("SELECT * FROM members WHERE job = ? ORDER BY array_index", (number,))
    reasons = _reasons(queue, job)
    members = {
        row["array_index"]: {
            **{key: row[key] for key in _TOLD},
            "reason": reasons.get(row["state"], ""),
        }
        for row in rows
    }
    if index != NO_INDEX and index not in members:
        return None
    if index in members:
        return {**facts, **members[index]}
    return {**facts, "members": members}


def _reasons(queue: sqlite3.Connection, job: sqlite3.Row) -> dict[str, str]:
    """Return, by state, why members of the job do not run yet."""
    number = job["number"]
    states = {state for (state,) in queue.execute(_STATES, (number,))}
    reasons = {"held": "is on hold until it is released"}
    if "waiting" in states:
        reasons["waiting"] = awaited(queue, number)
    if "queued" in states:
        reasons["queued"] = _why_queued(queue, job)
    return reasons


_STATES = "SELECT DISTINCT state FROM members WHERE job = ?"


def _why_queued(queue: sqlite3.Connection, job: sqlite3.Row) -> str:
    if (limit := job["member_limit"]) is not None:
        (active,) = queue.execute(
            "SELECT count(*) FROM members WHERE state = 'running' AND job = ?", (job["number"],)
        ).fetchone()
        if active >= limit:
            return f"waits for its turn: at most {limit} of this array run at once"
    (first,) = queue.execute("SELECT min(job) FROM members WHERE state = 'queued'").fetchone()
    free = free_shares(queue)
    if job["cpus"] > free.cpus:
        return f"waits for {job['cpus']} core{'s' if job['cpus'] > 1 else ''}"
    if job["memory"] > free.memory:
        return f"waits for {format_memory(job['memory'])} of memory"
    return f"waits behind {job_id(first)}"
