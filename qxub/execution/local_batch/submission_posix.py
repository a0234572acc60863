"""A new job on its way into the queue."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import RefusedError
from qxub.execution.local_batch.dependencies import add_dependencies
from qxub.execution.local_batch.job_ids import NO_INDEX
from qxub.execution.local_batch.machine_posix import usable_cores, usable_memory
from qxub.quantities import format_memory

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from qxub.job import ArrayRange

KEPT_JOBS = 10_000
"""so many jobs can be asked about; older ones are forgotten when they have ended"""


@dataclass(frozen=True)
class NewJob:
    """A job that is to be put into the queue."""

    script: Path
    log: Path
    """for what the supervisor has to say"""
    name: str = ""
    run_id: str | None = None
    cpus: int = 1
    memory: int = 0
    """bytes; 0 sets no limit"""
    walltime: int | None = None
    """seconds"""
    array: ArrayRange | None = None
    dependencies: Sequence[str] = ()
    """CONDITION:JOB_ID"""
    hold: bool = False


def check_shares(job: NewJob) -> None:
    """Raise RefusedError when a job asks for more than the machine has."""
    if job.cpus > (cores := usable_cores()):
        message = f"the job asks for {job.cpus} cores; this machine has {cores}"
        raise RefusedError(message, hint="Ask for fewer with --cpus.")
    if job.memory > (memory := usable_memory()):
        asked, there = format_memory(job.memory), format_memory(memory)
        message = f"the job asks for {asked} of memory; this machine has {there}"
        raise RefusedError(message, hint="Ask for less with --mem.")


def insert_job(queue: sqlite3.Connection, job: NewJob) -> int:
    """Put the job into the queue and return its number. Raises RefusedError."""
    number = queue.execute(
        "INSERT INTO jobs (run_id, name, script, log, cpus, memory, walltime, member_limit,"
        " environment, umask, submitted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.run_id,
            job.name,
            os.fsencode(job.script),
            os.fsencode(job.log),
            job.cpus,
            job.memory,
            job.walltime,
            job.array.limit if job.array else None,
            json.dumps(dict(os.environ)),
            _umask(),
            time.time(),
        ),
    ).lastrowid
    if number is None:
        raise AssertionError
    state = "held" if job.hold else "waiting" if job.dependencies else "queued"
    indices = job.array.indices() if job.array else [NO_INDEX]
    queue.executemany(
        "INSERT INTO members (job, array_index, state) VALUES (?, ?, ?)",
        [(number, index, state) for index in indices],
    )
    add_dependencies(queue, number, job.dependencies)
    _forget_old_jobs(queue, number - KEPT_JOBS)
    return number


def _forget_old_jobs(queue: sqlite3.Connection, newest: int) -> None:
    queue.execute(
        "DELETE FROM jobs WHERE number <= ? AND NOT EXISTS"
        " (SELECT 1 FROM members WHERE job = number AND state != 'ended')",
        (newest,),
    )


def _umask() -> int:
    umask = os.umask(0o077)  # there is no way to read it without setting it
    os.umask(umask)
    return umask
