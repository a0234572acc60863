"""The queue as its commands see it: each is one transaction, and starts what fits by then."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from qxub.errors import RefusedError, SchedulerError
from qxub.execution.local_batch.database import Database
from qxub.execution.local_batch.dependencies import settle
from qxub.execution.local_batch.dispatch_posix import dispatch
from qxub.execution.local_batch.job_ids import NO_INDEX, job_id, parse_job_id
from qxub.execution.local_batch.members import MemberEnding, end_member
from qxub.execution.local_batch.reports_posix import describe
from qxub.execution.local_batch.running_posix import JOB, SUPERVISOR, RunningJobs
from qxub.execution.local_batch.submission_posix import NewJob, check_shares, insert_job
from qxub.job import OutcomeKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

_HOLDABLE = ("queued", "waiting")


class LocalBatch:
    """The queue of this machine, below one directory.

    Every method raises SchedulerError where the queue cannot be read or written.
    """

    def __init__(self, directory: Path) -> None:
        # By host name: home directories are shared between machines, cores are not.
        top = directory / "local" / os.uname().nodename
        try:
            for path in (top, top / "running"):
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            message = f"the queue of this machine, {top}, cannot be used: {error}"
            raise SchedulerError(message) from error
        self.running = RunningJobs(top / "running")
        self.database = Database(top / "queue.db")

    def submit(self, job: NewJob) -> str:
        """Put a job into the queue and return its ID.

        A run ID that the queue has already gives the ID of that job, and no second one. Raises
        RefusedError when the job asks for more than there is, or depends on an unknown job.
        """
        check_shares(job)
        with self.database.transaction() as queue:
            number = _by_run_id(queue, job.run_id)
            if number is None:
                number = insert_job(queue, job)
            dispatch(queue, self.running)
        return job_id(number)

    def query(self, job_ids: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Return what is known of each job, None for an unknown one."""
        members = {text: parse_job_id(text) for text in job_ids}
        with self.database.transaction() as queue:
            dispatch(queue, self.running)
            return {text: describe(queue, *member) for text, member in members.items()}

    def find(self, run_id: str) -> list[str]:
        """Return the ID of the job that was submitted under this run ID, if there is one."""
        with self.database.transaction() as queue:
            number = _by_run_id(queue, run_id)
        return [] if number is None else [job_id(number)]

    def cancel(self, text: str) -> None:
        """End a job or a member, queued or running; what has ended stays as it is.

        Raises RefusedError for an unknown job.
        """
        with self.database.transaction() as queue:
            for member in _members(queue, text):
                self._cancel(queue, member)
            dispatch(queue, self.running)

    def hold(self, text: str) -> None:
        """Keep from starting what has not started. Raises RefusedError when all of it has."""
        with self.database.transaction() as queue:
            members = [row for row in _members(queue, text) if row["state"] in _HOLDABLE]
            if not members:
                message = f"{text} cannot be put on hold: it has started, or ended, already"
                raise RefusedError(message)
            _set_state(queue, members, "held")
            dispatch(queue, self.running)

    def release(self, text: str) -> None:
        """Let go a job that was on hold. Raises RefusedError when it was not."""
        with self.database.transaction() as queue:
            members = [row for row in _members(queue, text) if row["state"] == "held"]
            if not members:
                message = f"{text} cannot be released: it is not on hold"
                raise RefusedError(message)
            (open_conditions,) = queue.execute(
                "SELECT count(*) FROM dependencies WHERE job = ?", (members[0]["job"],)
            ).fetchone()
            _set_state(queue, members, "waiting" if open_conditions else "queued")
            dispatch(queue, self.running)

    def end_all(self) -> None:
        """Cancel every job and wait until their supervisors have gone."""
        while True:
            with self.database.transaction() as queue:
                unended = queue.execute("SELECT * FROM members WHERE state != 'ended'").fetchall()
                for member in unended:
                    self._cancel(queue, member)
                dispatch(queue, self.running)
            if not unended and not self.running.supervisors():
                return
            time.sleep(0.05)

    def _cancel(self, queue: sqlite3.Connection, member: sqlite3.Row) -> None:
        number, index = member["job"], member["array_index"]
        if member["state"] == "running":
            queue.execute(
                "UPDATE members SET cancelled = 1 WHERE job = ? AND array_index = ?",
                (number, index),
            )
            self._end_processes(job_id(number, index))
        elif member["state"] != "ended":
            end_member(queue, number, index, MemberEnding(OutcomeKind.CANCELLED))
            settle(queue, number)

    def _end_processes(self, text: str) -> None:
        """Tell the supervisor; where that was killed, only the script's own group is known."""
        supervisor = self.running.process(text, SUPERVISOR)
        script = self.running.process(text, JOB)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if supervisor is not None:
                os.kill(supervisor, signal.SIGTERM)
            elif script is not None:
                os.killpg(script, signal.SIGKILL)


def _by_run_id(queue: sqlite3.Connection, run_id: str | None) -> int | None:
    row = queue.execute("SELECT number FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else row["number"]


def _members(queue: sqlite3.Connection, text: str) -> list[sqlite3.Row]:
    """Return a job's members, or the one that the ID names. Raises RefusedError."""
    number, index = parse_job_id(text)
    found = queue.execute(
        "SELECT * FROM members WHERE job = ? AND (array_index = ? OR ?)",
        (number, index, index == NO_INDEX),
    ).fetchall()
    if not found:
        message = f"the queue of this machine does not know job {text}"
        raise RefusedError(message)
    return found


def _set_state(queue: sqlite3.Connection, members: Sequence[sqlite3.Row], state: str) -> None:
    queue.executemany(
        "UPDATE members SET state = ? WHERE job = ? AND array_index = ?",
        [(state, row["job"], row["array_index"]) for row in members],
    )
