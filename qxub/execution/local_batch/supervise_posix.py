"""One job from its start to its end, in the process that supervises it."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import json
import os
import time
from typing import TYPE_CHECKING

from qxub.errors import SchedulerError
from qxub.execution.local_batch.dependencies import settle
from qxub.execution.local_batch.dispatch_posix import dispatch
from qxub.execution.local_batch.job_ids import NO_INDEX, parse_job_id
from qxub.execution.local_batch.members import MemberEnding, end_member
from qxub.execution.local_batch.running_posix import SUPERVISOR
from qxub.execution.local_batch.supervisor_posix import Supervisor
from qxub.job import OutcomeKind

if TYPE_CHECKING:
    import sqlite3

    from qxub.execution.local_batch.database import Database
    from qxub.execution.local_batch.queue_posix import LocalBatch

RECORD_PATIENCE = 600.0
"""seconds for which a supervisor stays with an ending that cannot be recorded"""


def supervise(batch: LocalBatch, job_id: str) -> None:
    """Be the supervisor of a job, or of a member of an array, until it has ended."""
    number, index = parse_job_id(job_id)
    with batch.database.transaction() as queue:
        job = queue.execute(
            "SELECT * FROM members JOIN jobs ON job = number"
            " WHERE number = ? AND array_index = ? AND state = 'running'",
            (number, index),
        ).fetchone()
        is_ours = batch.running.process(job_id, SUPERVISOR) == os.getpid()
    # The transaction that started this process may have come to nothing; then there is no such
    # job, or another one with its number and a supervisor of its own.
    if job is None or not is_ours:
        return
    ending = _run(batch, job_id, job)
    _write_down(batch.database, number, index, ending)
    batch.running.remove(job_id)
    with batch.database.transaction() as queue:
        dispatch(queue, batch.running)


def _write_down(database: Database, number: int, index: int, ending: MemberEnding) -> None:
    """Record how the job ended: no one else knows. A full disk may have room again.

    Raises SchedulerError where that cannot be done for long.
    """
    deadline = time.monotonic() + RECORD_PATIENCE
    while True:
        try:
            with database.transaction() as queue:
                end_member(queue, number, index, ending)
                settle(queue, number)
        except SchedulerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def _run(batch: LocalBatch, job_id: str, job: sqlite3.Row) -> MemberEnding:
    supervisor = Supervisor(
        walltime=job["walltime"], memory=job["memory"], spared=batch.running.supervisors
    )
    lock = batch.running.lock_for_script(job_id)
    try:
        script = supervisor.start(
            ["bash", os.fsdecode(job["script"])],
            environment=_environment(job, job_id),
            umask=job["umask"],
            lock=lock,
        )
    except OSError as error:
        return MemberEnding(OutcomeKind.SETUP_FAILED, detail=f"bash cannot be started: {error}")
    os.write(lock, str(script).encode())
    os.close(lock)
    return supervisor.wait()


def _environment(job: sqlite3.Row, job_id: str) -> dict[str, str]:
    environment: dict[str, str] = json.loads(job["environment"])
    environment.pop("QXUB_ARRAY_INDEX", None)  # of a job that has submitted this one
    if job["array_index"] != NO_INDEX:
        environment["QXUB_ARRAY_INDEX"] = str(job["array_index"])
    environment["QXUB_JOB_ID"] = job_id
    return environment
