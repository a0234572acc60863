"""The supervisor of one running job: keeps it to its limits, and leaves nothing of it behind."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import contextlib
import os
import resource
import select
import signal
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, Callable

from qxub.execution.local_batch import processes_posix as processes
from qxub.execution.local_batch.members import MemberEnding
from qxub.job import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

TERM_GRACE = 10.0
"""seconds between TERM and KILL"""
KILL_PATIENCE = 30.0
"""seconds for what was killed to go; what the kernel holds on to longer is left behind"""
MEMORY_INTERVAL = 0.5
"""seconds between two looks at the memory of a job that has a limit"""
_RESET = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Supervisor:
    """Runs one script in a session of its own.

    `walltime` is in seconds, `memory` in bytes; None and 0 set no limit. `spared` tells the
    processes that are not the job's, though it started them: the supervisors of other jobs.
    """

    def __init__(
        self, *, walltime: int | None, memory: int, spared: Callable[[], Collection[int]]
    ) -> None:
        self._walltime = walltime
        self._memory = memory
        self._spared = spared
        self._cancelled = False
        self._told: OutcomeKind | None = None
        self._kill_at = float("inf")
        self._memory_peak = 0
        self._script = 0
        self._code: int | None = None
        processes.adopt_orphans()
        self._wakeup, write = os.pipe()
        for end in (self._wakeup, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._cancel)
        for number in _RESET:  # a shell may have had them ignored, and scripts cannot undo that
            signal.signal(number, signal.SIG_DFL)

    def start(
        self, argv: Sequence[str], *, environment: Mapping[str, str], umask: int, lock: int
    ) -> int:
        """Start the script, which inherits `lock`, and return its process ID. Raises OSError."""
        process = subprocess.Popen(
            argv,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            umask=umask,
            pass_fds=[lock],
        )
        process.returncode = 0  # it is reaped here, with the orphans
        self._script = process.pid
        return self._script

    def wait(self) -> MemberEnding:
        """Wait for the end of the script, which may be this supervisor's doing."""
        deadline = float("inf") if self._walltime is None else time.monotonic() + self._walltime
        while not self._has_ended():
            self._enforce(deadline)
            self._pause(deadline)
        # What was told to end has its time, whether or not the script has ended before.
        while self._told is not None and time.monotonic() < self._kill_at and self._members():
            self._pause(deadline)
            self._has_ended()
        self._kill_all()
        return self._ending()

    def _cancel(self, *_: object) -> None:
        self._cancelled = True

    def _has_ended(self) -> bool:
        """Reap what has ended, the script or an orphan; return whether the script has."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self._script:
                    self._code = os.waitstatus_to_exitcode(found[1])
        return self._code is not None

    def _enforce(self, deadline: float) -> None:
        now = time.monotonic()
        if self._told is None:
            if self._cancelled:
                self._terminate(OutcomeKind.CANCELLED)
            elif now >= deadline:
                self._terminate(OutcomeKind.WALLTIME_EXCEEDED)
        if self._memory and self._exceeds_memory():
            self._told = self._told or OutcomeKind.OUT_OF_MEMORY
            self._kill_at = now
        if now >= self._kill_at:
            self._kill_all()

    def _exceeds_memory(self) -> bool:
        members = self._members()
        size = processes.resident_size(members)
        if size > self._memory:
            size = processes.proportional_size(members)
        self._memory_peak = max(self._memory_peak, size)
        return size > self._memory

    def _pause(self, deadline: float) -> None:
        """Sleep until something ends, a signal comes, or it is time to look again."""
        wanted = [self._kill_at - time.monotonic()]
        if self._told is None:
            wanted.append(deadline - time.monotonic())
        if self._memory:
            wanted.append(MEMORY_INTERVAL)
        shortest = max(0.0, min(wanted))
        timeout = None if shortest == float("inf") else shortest
        if select.select([self._wakeup], [], [], timeout)[0]:
            os.read(self._wakeup, 4096)

    def _terminate(self, why: OutcomeKind) -> None:
        self._told = why
        self._kill_at = time.monotonic() + TERM_GRACE
        others = [pid for pid in self._members() if _group(pid) != self._script]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._script, signal.SIGTERM)
        for pid in others:
            _kill(pid, signal.SIGTERM)

    def _kill_all(self) -> None:
        """Kill every process of the job, the script at first: it must not tell of the others."""
        if self._code is None:
            _kill(self._script, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._script, signal.SIGKILL)
        patience = time.monotonic() + KILL_PATIENCE
        while (members := self._members()) and time.monotonic() < patience:
            for pid in members:
                _kill(pid, signal.SIGKILL)
            time.sleep(0.005)
            self._has_ended()

    def _members(self) -> list[int]:
        return processes.descendants(os.getpid(), spared=self._spared())

    def _ending(self) -> MemberEnding:
        code = self._code
        if code is None:
            raise AssertionError
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_time = used.ru_utime + used.ru_stime
        ending = partial(MemberEnding, cpu_time=cpu_time, memory_peak=self._peak(used))
        if self._told is not None:
            return ending(self._told)
        if code < 0:
            return ending(OutcomeKind.SIGNALLED, signal=-code)
        return ending(OutcomeKind.COMPLETED, status=code)

    def _peak(self, used: resource.struct_rusage) -> int | None:
        """Return the most memory seen in use, in bytes, or None where the system cannot tell."""
        unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # A child is a copy of this process at first, and that counts as its own peak.
        largest = used.ru_maxrss * unit if used.ru_maxrss > own else 0
        return max(self._memory_peak, largest) or None


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _kill(pid: int, number: int) -> None:
    """Send a signal to what may have gone, or may not be ours to signal."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
