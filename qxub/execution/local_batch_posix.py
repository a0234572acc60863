"""The embedded batch system: jobs on this machine, queued for its cores.

It has no server. Each job has a supervisor process of its own, in its own session, which waits for
its turn, runs the script in a process group of its own, and writes down how it ended. All state is
in one directory; the file lock of a job's `alive` file tells whether its supervisor lives, which no
process ID could (they are used again).
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from qxub.errors import RefusedError, SchedulerError
from qxub.system.private_files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

KEPT_ENDINGS = 10_000
"""so many ended jobs can still be asked about"""
TERM_GRACE = 10
"""seconds between TERM and KILL"""
LONGEST_PAUSE = 0.5
"""seconds between two looks at the queue"""


def usable_cores() -> int:
    """Return how many cores this process may use: what the queue shares out."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalBatch:
    """The queue in one directory; every call is one short look at it under a lock."""

    def __init__(self, directory: Path) -> None:
        # By host name: home directories are shared between machines, cores are not.
        self._top = directory / "local" / socket.gethostname()
        self._jobs = self._top / "jobs"
        self._ended = self._top / "ended"
        for path in (self._jobs, self._ended):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def submit(self, script: Path, *, cpus: int, walltime: int | None, log: Path) -> str:
        """Put a job into the queue and return its ID; a supervisor takes it from there.

        Raises RefusedError when it asks for more cores than there are.
        """
        if cpus > usable_cores():
            message = f"the job asks for {cpus} cores; this machine has {usable_cores()}"
            raise RefusedError(message, hint="Ask for fewer with --cpus.")
        job = {"script": str(script), "cpus": cpus, "walltime": walltime, "log": str(log)}
        with self._locked():
            number = self._next_number()
            directory = self._jobs / str(number)
            directory.mkdir(mode=0o700)
            write_private(directory / "job.json", json.dumps(job).encode())
            self._start_supervisor(number, log)
        (self._ended / f"{number - KEPT_ENDINGS}.json").unlink(missing_ok=True)
        return f"{number}.local"

    def query(self, job_id: str) -> dict[str, Any]:
        """Return `state` (queued, running, ended, unknown) and, when ended, how."""
        number = _number(job_id)
        ended, directory = self._ended / f"{number}.json", self._jobs / str(number)
        found_dead = False
        for _ in range(2):  # a supervisor writes the ending first: the second look finds it
            if ended.exists():
                found: dict[str, Any] = json.loads(ended.read_bytes())
                return {"state": "ended", **found}
            if directory.exists():
                if _is_alive(directory):
                    running = (directory / "running").exists()
                    return {"state": "running" if running else "queued"}
                found_dead = True
        return self._bury(number) if found_dead else {"state": "unknown"}

    def cancel(self, job_id: str) -> None:
        """End a job, queued or running; one that has ended stays as it is."""
        directory = self._jobs / str(_number(job_id))
        with self._locked(), contextlib.suppress(FileNotFoundError):
            (directory / "cancelled").touch(mode=0o600)
            if _is_alive(directory):
                os.kill(int((directory / "supervisor").read_text()), signal.SIGTERM)

    def end_all(self) -> None:
        """Cancel every job and wait until their supervisors have gone."""
        while left := [path.name for path in self._jobs.iterdir()]:
            for number in left:
                self.cancel(number)
            time.sleep(0.05)

    def supervise(self, job_id: str) -> None:
        """Be the supervisor of a job until it has ended."""
        number = _number(job_id)
        directory = self._jobs / str(number)
        job = json.loads((directory / "job.json").read_bytes())
        supervisor = _Supervisor(directory)
        if self._wait_for_turn(number, job["cpus"], supervisor):
            os.environ["QXUB_JOB_ID"] = job_id
            ending = supervisor.run(["bash", job["script"]], job["walltime"])
        else:
            ending = {"reason": "cancelled", "status": None, "signal": None}
        self._write_ending(number, ending)

    def _wait_for_turn(self, number: int, cpus: int, supervisor: _Supervisor) -> bool:
        """Wait until the cores are free and every earlier job has started; False: cancelled."""
        pause = 0.01
        while not supervisor.is_cancelled():
            with self._locked():
                if self._is_turn(number, cpus):
                    (self._jobs / str(number) / "running").touch(mode=0o600)
                    return True
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return False

    def _is_turn(self, number: int, cpus: int) -> bool:
        free = usable_cores() - cpus
        for other in sorted(int(path.name) for path in self._jobs.iterdir()):
            directory = self._jobs / str(other)
            if other == number or not _is_alive(directory):
                continue
            if (directory / "running").exists():
                free -= int(json.loads((directory / "job.json").read_bytes())["cpus"])
            elif other < number:
                return False
        return free >= 0

    def _bury(self, number: int) -> dict[str, Any]:
        """Write down that a supervisor went without a word (killed, or the machine went down)."""
        cancelled = (self._jobs / str(number) / "cancelled").exists()
        reason = "cancelled" if cancelled else "vanished"
        ending = {"reason": reason, "status": None, "signal": None}
        self._write_ending(number, ending)
        return {"state": "ended", **ending}

    def _write_ending(self, number: int, ending: dict[str, Any]) -> None:
        write_private(self._ended / f"{number}.json", json.dumps(ending).encode())
        shutil.rmtree(self._jobs / str(number), ignore_errors=True)

    def _next_number(self) -> int:
        path = self._top / "sequence"
        number = int(path.read_text()) + 1 if path.exists() else 1
        write_private(path, str(number).encode())
        return number

    def _start_supervisor(self, number: int, log: Path) -> None:
        """Start it with the lock of `alive` already held: the child inherits the open file."""
        directory = self._jobs / str(number)
        argv = [sys.executable, "-m", "qxub.cli.local_batch_posix", "supervise", f"{number}.local"]
        alive = os.open(directory / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(alive, fcntl.LOCK_EX)
            with log.open("ab") as output:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    pass_fds=[alive],
                )
            write_private(directory / "supervisor", str(process.pid).encode())
            process.returncode = 0  # it outlives this process, which will not wait for it
        finally:
            os.close(alive)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._top / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class _Supervisor:
    """Runs one script and ends it when told to, or when its walltime is over."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._reason: str | None = None
        signal.signal(signal.SIGTERM, lambda *_: self._end("cancelled"))
        signal.signal(signal.SIGALRM, lambda *_: self._end("walltime"))

    def is_cancelled(self) -> bool:
        return (self._directory / "cancelled").exists()

    def run(self, argv: Sequence[str], walltime: int | None) -> dict[str, Any]:
        """Run the script in its own session, and leave none of its process group behind."""
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
        if self.is_cancelled():  # before there was a process to end
            self._end("cancelled")
        elif walltime is not None:
            signal.alarm(walltime)
        code = self._process.wait()
        signal.alarm(0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return {
            "reason": self._reason,
            "status": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
        }

    def _end(self, reason: str) -> None:
        """TERM at first, KILL when that was not enough. Runs as a signal handler."""
        if self._process is None:
            return
        if self._reason is None:
            self._reason = reason
            number = signal.SIGTERM
            signal.alarm(TERM_GRACE)
        else:
            number = signal.SIGKILL
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _is_alive(directory: Path) -> bool:
    """Return whether the job's supervisor holds its lock."""
    try:
        with (directory / "alive").open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _number(job_id: str) -> int:
    text = job_id.removesuffix(".local")
    if not text.isdecimal():
        message = f"{job_id!r} is not the ID of a job on this machine (such as 12.local)"
        raise SchedulerError(message)
    return int(text)
