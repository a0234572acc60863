"""Which jobs run: in the order in which they came, as long as the next one fits.

Nothing overtakes a job that waits for cores or memory, so that a big one gets its turn. Jobs on
hold, jobs that wait for others, and arrays at their own limit stand aside.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qxub.execution.local_batch.dependencies import settle
from qxub.execution.local_batch.job_ids import NO_INDEX, job_id
from qxub.execution.local_batch.machine_posix import usable_cores, usable_memory
from qxub.execution.local_batch.members import MemberEnding, end_member
from qxub.job import OutcomeKind

if TYPE_CHECKING:
    import sqlite3

    from qxub.execution.local_batch.running_posix import RunningJobs


class Shares(NamedTuple):
    """Cores, and bytes of memory."""

    cpus: int
    memory: int

    def hold(self, job: Shares) -> bool:
        """Return whether there is room for a job."""
        return job.cpus <= self.cpus and job.memory <= self.memory


def dispatch(queue: sqlite3.Connection, running: RunningJobs) -> None:
    """Write down which jobs have vanished, then start what fits."""
    _bury_vanished(queue, running)
    number = 0
    while (found := _next_queued(queue, number)) is not None:
        number, shares, limit, log = found
        for index in _startable_members(queue, number, limit):
            if not free_shares(queue).hold(shares):
                return
            _start(queue, running, (number, index), _log_of(log, index))


def free_shares(queue: sqlite3.Connection) -> Shares:
    """Return what the running jobs leave."""
    cpus, memory = queue.execute(
        "SELECT coalesce(sum(cpus), 0), coalesce(sum(memory), 0)"
        " FROM members JOIN jobs ON job = number WHERE state = 'running'"
    ).fetchone()
    return Shares(usable_cores() - cpus, usable_memory() - memory)


def _next_queued(
    queue: sqlite3.Connection, number: int
) -> tuple[int, Shares, int | None, Path] | None:
    """Return the first job after `number` with queued members."""
    row = queue.execute(
        "SELECT number, cpus, memory, member_limit, log FROM jobs WHERE number ="
        " (SELECT min(job) FROM members WHERE state = 'queued' AND job > ?)",
        (number,),
    ).fetchone()
    if row is None:
        return None
    shares = Shares(row["cpus"], row["memory"])
    return row["number"], shares, row["member_limit"], Path(os.fsdecode(row["log"]))


def _startable_members(queue: sqlite3.Connection, number: int, limit: int | None) -> list[int]:
    """Return the queued members that the array's own limit lets run."""
    (already,) = queue.execute(
        "SELECT count(*) FROM members WHERE state = 'running' AND job = ?", (number,)
    ).fetchone()
    most = usable_cores() if limit is None else max(0, limit - already)
    rows = queue.execute(
        "SELECT array_index FROM members WHERE state = 'queued' AND job = ?"
        " ORDER BY array_index LIMIT ?",
        (number, most),
    )
    return [index for (index,) in rows.fetchall()]


def _start(
    queue: sqlite3.Connection, running: RunningJobs, member: tuple[int, int], log: Path
) -> None:
    """Start the supervisor; it waits for this transaction, and gives up when that fails."""
    try:
        output = log.open("ab")
    except OSError as error:  # such as a run directory that the user has removed
        detail = f"its log cannot be written: {error}"
        end_member(queue, *member, MemberEnding(OutcomeKind.SETUP_FAILED, detail=detail))
    else:
        with output:
            running.start_supervisor(job_id(*member), output)
        queue.execute(
            "UPDATE members SET state = 'running', started_at = ?"
            " WHERE job = ? AND array_index = ?",
            (time.time(), *member),
        )
    settle(queue, member[0])


def _log_of(log: Path, index: int) -> Path:
    """Return the log of a member: arrays have one for each, as with PBS Pro and Slurm."""
    return log if index == NO_INDEX else log.with_name(f"{log.name}.{index}")


def _bury_vanished(queue: sqlite3.Connection, running: RunningJobs) -> None:
    """End the jobs of which nothing lives, and which have not said how they ended."""
    rows = queue.execute("SELECT job, array_index, cancelled FROM members WHERE state = 'running'")
    for number, index, cancelled in rows.fetchall():
        if not running.is_alive(job_id(number, index)):
            kind = OutcomeKind.CANCELLED if cancelled else OutcomeKind.LOST
            detail = "its supervisor was killed, or the machine went down"
            end_member(queue, number, index, MemberEnding(kind, detail="" if cancelled else detail))
            running.remove(job_id(number, index))
            settle(queue, number)
