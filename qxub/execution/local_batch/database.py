"""The queue as a database: its tables, and the one way to read and change them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from qxub.errors import SchedulerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60.0
"""seconds to wait for another process's transaction"""
DAMAGED = "Move it away to begin with an empty queue; jobs that run go on."
"""the way out where the file is no database, or is torn"""
_TABLES = (
    """CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT UNIQUE,
        name TEXT NOT NULL,
        script BLOB NOT NULL,
        log BLOB NOT NULL,
        cpus INTEGER NOT NULL,
        memory INTEGER NOT NULL, -- bytes; 0: no limit
        walltime INTEGER, -- seconds; NULL: no limit
        member_limit INTEGER, -- of an array: so many run at once
        environment TEXT, -- the submitter's, until all has ended
        umask INTEGER NOT NULL,
        submitted_at REAL NOT NULL
    )""",
    # A job that is no array has one member, with the index -1.
    """CREATE TABLE members (
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        array_index INTEGER NOT NULL,
        state TEXT NOT NULL, -- of JobState: queued, waiting, held, running, ended
        cancelled INTEGER NOT NULL DEFAULT 0, -- someone has asked for its end
        kind TEXT, -- with the next three: its Outcome
        status INTEGER,
        signal INTEGER,
        detail TEXT NOT NULL DEFAULT '',
        started_at REAL,
        ended_at REAL,
        cpu_time REAL, -- seconds
        memory_peak INTEGER, -- bytes
        PRIMARY KEY (job, array_index)
    ) WITHOUT ROWID""",
    "CREATE INDEX members_by_state ON members (state, job, array_index)",
    # What a job still waits for: a condition that is met is deleted.
    """CREATE TABLE dependencies (
        job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
        condition TEXT NOT NULL,
        other INTEGER NOT NULL
    )""",
    "CREATE INDEX dependencies_by_job ON dependencies (job)",
    "CREATE INDEX dependencies_by_other ON dependencies (other)",
)


class Database:
    """The database in one file, which only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the database with everyone else locked out; an exception undoes the changes.

        Raises SchedulerError where the database cannot be read or written.
        """
        try:
            with contextlib.closing(self._connect()) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                if not connection.execute("PRAGMA user_version").fetchone()[0]:
                    for statement in (*_TABLES, "PRAGMA user_version = 1"):
                        connection.execute(statement)
                yield connection
        except sqlite3.Error as error:
            message = f"the queue of this machine, {self._path}, cannot be used: {error}"
            hint = DAMAGED if type(error) is sqlite3.DatabaseError else ""
            raise SchedulerError(message, hint=hint) from error

    def _connect(self) -> sqlite3.Connection:
        with contextlib.suppress(OSError):  # sqlite3 says why
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # environments hold secrets
        return connection
