"""The embedded batch system in a directory of its own, by its commands."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from qxub.execution.detection import BATCH
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalQueue:
    """Calls the commands as qxub does, and looks at what they leave."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {**os.environ, "XDG_STATE_HOME": str(directory / "state")}
        self._scripts = 0

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*BATCH, *words], capture_output=True, text=True, env=self.environment, check=False
        )

    def submit(self, script: str, *options: str) -> str:
        """Submit a script that runs in the directory; return its job ID."""
        answer = self.try_to_submit(script, *options)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def try_to_submit(self, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        self._scripts += 1
        path = self.directory / f"job-{self._scripts}.sh"
        path.write_text(f"cd {self.directory}\n{script}\n")
        return self.call("submit", *options, f"--log={path}.log", str(path))

    def query(self, *job_ids: str) -> list[Any]:
        """Return what one query tells of the jobs, None for an unknown one."""
        answer = self.call("query", *job_ids)
        assert answer.returncode == 0, answer.stderr
        found = json.loads(answer.stdout)
        return [found[job_id] for job_id in job_ids]

    def states(self, *job_ids: str) -> list[str]:
        return [facts["state"] for facts in self.query(*job_ids)]

    def wait(self, job_id: str, state: str = "ended") -> dict[str, Any]:
        """Wait for a state and return what is told of the job then."""
        wait_until(lambda: self.states(job_id) == [state])
        (facts,) = self.query(job_id)
        assert isinstance(facts, dict)
        return facts

    def wait_for_members(self, job_id: str) -> dict[int, dict[str, Any]]:
        """Wait for the end of an array and return what is told of its members."""

        def members() -> dict[int, dict[str, Any]]:
            (facts,) = self.query(job_id)
            return {int(index): member for index, member in facts["members"].items()}

        wait_until(lambda: {member["state"] for member in members().values()} == {"ended"})
        return members()

    def wait_for_file(self, name: str) -> None:
        wait_until((self.directory / name).exists)

    def read(self, name: str) -> str:
        return (self.directory / name).read_text()

    def touch(self, name: str) -> None:
        (self.directory / name).touch()

    def exists(self, name: str) -> bool:
        return (self.directory / name).exists()

    def supervisor(self, job_id: str) -> int:
        """Return the process ID of the job's supervisor."""
        (file,) = (self.directory / "state").glob(f"qxub/local/*/running/{job_id}.supervisor")
        return int(file.read_text())
