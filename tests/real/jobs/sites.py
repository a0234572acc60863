"""A place with a scheduler, and qxub on it as its users call it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 100.0
"""seconds for anything that a scheduler does in its own time"""


@dataclass(frozen=True)
class Site:
    """A scheduler: how qxub's configuration names it, and its own commands."""

    name: str
    scheduler: str
    environment: Mapping[str, str]
    delete: Sequence[str]
    """ends a job, whose ID follows"""
    release: Sequence[str]
    """lets a held job go, whose ID follows"""
    is_elsewhere: bool = False
    """a cluster that is not ours to equip"""
    forgets: bool = False
    """keeps no record of jobs that have ended"""
    refused: Sequence[str] = ("--cpus", "100000")
    """options of a job that is not taken there"""
    crowded: Sequence[str] = ()
    """options of qxub for small jobs of which many may run at once"""

    def member(self, job_id: str, index: int) -> str:
        """Name a member of an array as the site's commands do."""
        if self.scheduler == "slurm":
            return f"{job_id}_{index}"
        number, _, server = job_id.partition(".")
        return f"{number.replace('[]', '')}[{index}].{server}"

    def command(self, argv: Sequence[str], job_id: str) -> None:
        """Call one of the scheduler's own commands about a job."""
        subprocess.run([*argv, job_id], env=dict(self.environment), check=True, timeout=PATIENCE)


@dataclass(frozen=True)
class Ended:
    """How a call of qxub ended: what its caller got, and what --result says."""

    status: int
    out: bytes
    err: str
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of the outcome."""
        return str(self.result["kind"])


@dataclass(frozen=True)
class Desk:
    """One user at a site: a directory to work in, and one for qxub's state and configuration."""

    site: Site
    work: Path
    home: Path

    @classmethod
    def at(cls, site: Site, directory: Path) -> Desk:
        """Make the two, below `directory`."""
        desk = cls(site, directory / "work", directory / "home")
        config = desk.home / "config" / "qxub" / "config.yaml"
        for place in (desk.work, config.parent):
            place.mkdir(parents=True, exist_ok=True)
        config.write_text(f"scheduler: {site.scheduler}\nmonitoring: {{interval: 2}}\n")
        return desk

    @property
    def runs(self) -> Path:
        """Where qxub records its runs."""
        return self.home / "state" / "qxub" / "runs"

    @contextlib.contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `qxub exec WORDS`; it is killed when it goes on after the block."""
        with subprocess.Popen(
            [sys.executable, "-m", "qxub", "exec", *words],
            cwd=self.work,
            env={
                **self.site.environment,
                "XDG_CONFIG_HOME": str(self.home / "config"),
                "XDG_STATE_HOME": str(self.home / "state"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def exec(self, *words: str) -> Ended:
        """Run `qxub exec WORDS` to its end."""
        file = self._result_file()
        with self.started("--result", str(file), *words) as process:
            return collected(process, file)

    @contextlib.contextmanager
    def following(self, *words: str) -> Iterator[Following]:
        """Run `qxub exec WORDS` and do something meanwhile."""
        file = self._result_file()
        with self.started("--result", str(file), *words) as process:
            yield Following(self, process, file)

    def delete_all(self) -> None:
        """Have every job of this desk deleted; one that has ended is refused."""
        job_ids = [file.read_text().strip() for file in self.runs.glob("*/job_id")]
        if job_ids:
            argv = [*self.site.delete, *job_ids]
            env = dict(self.site.environment)
            subprocess.run(argv, env=env, capture_output=True, check=False, timeout=PATIENCE)

    def _result_file(self) -> Path:
        return self.home / f"result-{time.monotonic_ns()}.json"


@dataclass(frozen=True)
class Following:
    """A qxub that follows its job."""

    desk: Desk
    process: subprocess.Popen[bytes]
    file: Path

    def job_id(self) -> str:
        """Wait until there is one."""
        wait_until(lambda: any(self.desk.runs.glob("*/job_id")))
        (file,) = self.desk.runs.glob("*/job_id")
        return file.read_text().strip()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> Ended:
        """Wait for its end."""
        return collected(self.process, self.file)


def vanished(desk: Desk) -> tuple[int, str]:
    """Status and kind of a job that another hand deleted before it began."""
    return (75, "lost") if desk.site.forgets else (130, "cancelled")


def collected(process: subprocess.Popen[bytes], file: Path) -> Ended:
    """Wait for the end of a qxub whose result is written to `file`."""
    out, err = process.communicate(timeout=3 * PATIENCE)
    result = json.loads(file.read_bytes()) if file.exists() else {}
    return Ended(process.returncode, out, err.decode(), result)


def environment_without(*prefixes: str) -> dict[str, str]:
    """This process's environment, but for the variables that begin so."""
    return {name: text for name, text in os.environ.items() if not name.startswith(prefixes)}
