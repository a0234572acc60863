"""How a running job is known to live: by the locks that its processes hold on two files.

No process ID could tell, as they are used again. The supervisor's own file is locked before anyone
can see the job as running. The job's file is locked by the script and what it starts, so that a job
whose supervisor was killed counts as running until it has ended, too.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import fcntl
import os
import subprocess
from typing import IO, TYPE_CHECKING

from qxub.errors import SchedulerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUPERVISOR, JOB = "supervisor", "job"
_OUT_OF_THE_WAY = 100
"""file descriptors that a shell does not use for itself begin below"""


class RunningJobs:
    """The files of the running jobs, in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def start_supervisor(self, job_id: str, output: IO[bytes]) -> None:
        """Start it with its lock already held: the child inherits the open file.

        Raises SchedulerError where the machine has no process left to give.
        """
        argv = [sys.executable, "-m", "qxub.cli.local_batch_posix", "supervise", job_id]
        try:
            with self._lock(job_id, SUPERVISOR) as lock:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=[lock.fileno()],
                )
                process.returncode = 0  # it outlives this process, which will not wait for it
                lock.write(str(process.pid).encode())
        except OSError as error:
            message = f"job {job_id} cannot be started: {error}"
            raise SchedulerError(message) from error

    def lock_for_script(self, job_id: str) -> int:
        """Return the locked file that the script is to inherit."""
        with self._lock(job_id, JOB) as lock:
            return fcntl.fcntl(lock, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_THE_WAY)

    def process(self, job_id: str, role: str) -> int | None:
        """Return the process ID of the supervisor, or of the job's script, while it lives."""
        path = self._path(job_id, role)
        return _process_id(path) if _is_locked(path) else None

    def is_alive(self, job_id: str) -> bool:
        """Return whether anything of a job still runs."""
        return any(_is_locked(self._path(job_id, role)) for role in (SUPERVISOR, JOB))

    def supervisors(self) -> set[int]:
        """Return the process IDs of all supervisors."""
        return set(self._supervisors())

    def remove(self, job_id: str) -> None:
        """Remove the files of a job that has ended."""
        for role in (SUPERVISOR, JOB):
            self._path(job_id, role).unlink(missing_ok=True)

    def _supervisors(self) -> Iterator[int]:
        for path in self._directory.glob(f"*.{SUPERVISOR}"):
            process = _process_id(path) if _is_locked(path) else None
            if process is not None:
                yield process

    def _path(self, job_id: str, role: str) -> Path:
        return self._directory / f"{job_id}.{role}"

    def _lock(self, job_id: str, role: str) -> IO[bytes]:
        path = self._path(job_id, role)
        path.unlink(missing_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb", 0)
        fcntl.flock(file, fcntl.LOCK_EX)
        return file


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _process_id(path: Path) -> int | None:
    try:
        text = path.read_text()
    except FileNotFoundError:  # it has ended just now
        return None
    return int(text) if text else None
