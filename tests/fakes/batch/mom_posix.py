"""The execution host: runs a job's script, and ends it at its limits."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.batch import amounts
from tests.fakes.batch.site_state import HOST, is_on, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.batch.jobs import Job

KILL_DELAY = 5.0
"""seconds from TERM to KILL; the real one takes up to 10"""
POLL = 1.0
"""seconds between two looks for what a job that is to end has left; the real one takes 10"""
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
WALLTIME, MEMORY = -29, -27
"""Exit_status of a job that was ended at this limit"""


class Running:
    """A script that runs below its owner's login shell, in a session of its own.

    It has nothing of the submitter's. TERM goes to the whole session, and ends the login shell at
    once; what is left of the job has until the KILL then.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.started = now()
        self.verdict: int | None = None
        """Exit_status, where it is not for the script to say"""
        self._kill_at: float | None = None
        self._measured = (0.0, 0)
        self._looked, self._is_empty = 0.0, False
        told, self._spool = job.all(), {name: job.directory / name for name in ("OU", "ER")}
        self._limits = told["Resource_List"]
        self._joined = told["Join_Path"] == "oe"
        streams = [path.open("ab") for path in self._spool.values()]
        os.umask(0o077)
        self._process = subprocess.Popen(
            ["-bash"],
            executable="/bin/bash",
            stdin=subprocess.PIPE,
            stdout=streams[0],
            stderr=streams[0 if self._joined else 1],
            cwd=Path.home(),
            env={**_environment(job, told), **job.inside()["variables"]},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        with self._process.stdin as lines:
            lines.write(b"%b\n" % os.fsencode(job.script))
        for stream in streams:
            stream.close()

    @property
    def session(self) -> int:
        return self._process.pid

    def end(self, sig: signal.Signals = signal.SIGTERM, verdict: int | None = None) -> None:
        """Signal the whole session; KILL follows."""
        if self.verdict is None:
            self.verdict = verdict if verdict is not None else 256 + sig
            self._kill_at = now() + KILL_DELAY
            self._signal(sig)

    def step(self) -> int | None:
        """Hold the job to its limits; return Exit_status when it has ended."""
        if self._kill_at is not None and now() >= self._kill_at:
            self._signal(signal.SIGKILL)
        ended = self._process.poll()
        if ended is None:
            self._check_limits()
            return None
        if self.verdict is not None:
            return None if self._leaves_anything() else self.verdict
        self._signal(signal.SIGKILL)
        return ended if ended >= 0 else 256 - ended

    def used(self) -> dict[str, Any]:
        cpus, kib = self._limits["ncpus"], self._resident()
        walltime = amounts.shown_time(now() - self.started)
        counts = {"cpupercent": 0, "cput": "00:00:00", "mem": f"{kib}kb", "ncpus": cpus}
        return {**counts, "vmem": f"{kib}kb", "walltime": walltime}

    def deliver(self) -> None:
        """Put the output where it belongs; what cannot be put there stays in the spool."""
        for name, path in self._spool.items():
            if name == "ER" and self._joined:
                continue
            told = self.job["Output_Path" if name == "OU" else "Error_Path"]
            target = Path(told.partition(":")[2])
            if target.is_dir():
                target /= f"{self.job.job_id}.{name}"
            with contextlib.suppress(OSError):
                shutil.move(path, target)

    def _check_limits(self) -> None:
        if self.verdict is not None:
            return
        limit, passed = amounts.seconds(self._limits["walltime"]), now() - self.started
        if passed >= limit:
            self._say(f"=>> PBS: job killed: walltime {passed:.0f} exceeded limit {limit}\n")
            self.end(verdict=WALLTIME)
        allowed, kib = amounts.size(self._limits["mem"]) // 1024, self._resident()
        if kib > allowed and self._kill_at is None and not is_on("lenient"):
            self._say(f"=>> PBS: job killed: mem {kib}kb exceeded limit {allowed}kb\n")
            self.end(verdict=MEMORY)

    def _say(self, words: str) -> None:
        with self._spool["OU" if self._joined else "ER"].open("a") as file:
            file.write(words)

    def _leaves_anything(self) -> bool:
        """Return whether processes outlive the login shell, as far as the last look tells."""
        if time.monotonic() - self._looked >= POLL:
            self._looked = time.monotonic()
            self._is_empty = not any(True for _ in self._processes())
        return not self._is_empty

    def _processes(self) -> Iterator[Path]:
        """Give the session's processes that are no zombies."""
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if os.getsid(int(entry.name)) == self.session and state != "Z":
                    yield entry

    def _resident(self) -> int:
        """Return the KiB of memory that the session's processes have, as of half a second ago."""
        when, total = self._measured
        if time.monotonic() - when < 0.5:
            return total
        total = 0
        for entry in self._processes():
            with contextlib.suppress(OSError, IndexError):
                total += int((entry / "statm").read_text().split()[1]) * _PAGE_KIB
        self._measured = (time.monotonic(), total)
        return total

    def _signal(self, sig: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.session, sig)


def _environment(job: Job, told: dict[str, Any]) -> dict[str, str]:
    member = {
        "PBS_ARRAY_INDEX": str(told.get("array_index", "")),
        "PBS_ARRAY_ID": str(told.get("array_id", "")),
    }
    return {
        "HOME": str(Path.home()),
        "LOGNAME": told["Job_Owner"].partition("@")[0],
        "NCPUS": str(told["Resource_List"]["ncpus"]),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBID": job.job_id,
        "PBS_JOBNAME": told["Job_Name"],
        "PBS_O_HOST": HOST,
        "PBS_O_WORKDIR": told["Variable_List"]["PBS_O_WORKDIR"],
        "PBS_QUEUE": told["queue"],
        "USER": told["Job_Owner"].partition("@")[0],
        **(member if "array_index" in told else {}),
    }
