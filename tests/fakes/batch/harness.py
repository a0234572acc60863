"""The fake's commands in an empty directory, with a state of their own, as a test calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

COMMANDS = Path(__file__).parent


class FakePbs:
    """A login node of the fake PBS; its user is called alice."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.state.mkdir()
        self.environment = {
            **os.environ,
            "FAKE_PBS": str(self.state),
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "LOGNAME": "alice",
        }

    def call(self, command: str, *words: str, stdin: str = "") -> tuple[str, str, int]:
        done = subprocess.run(
            [sys.executable, str(COMMANDS / command), *words],
            env=self.environment,
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout, done.stderr, done.returncode

    def write(self, name: str, content: str) -> None:
        (self.directory / name).write_bytes(content.encode())

    def switch(self, name: str, content: str = "") -> None:
        (self.state / name).write_text(content)

    def submit(self, script: str, *options: str, name: str = "job.sh") -> str:
        """Submit lines of bash; return the job ID."""
        return self.submit_as_is(f"#!/bin/bash\n{script}\n", *options, name=name)

    def submit_as_is(self, script: str, *options: str, name: str = "job.sh") -> str:
        self.write(name, script)
        stdout, stderr, status = self.call("qsub", *options, name)
        assert (stderr, status) == ("", 0)
        return stdout.strip()

    def jobs(self, job_id: str, *options: str) -> dict[str, Any]:
        stdout, _, _ = self.call("qstat", "-x", *options, "-f", "-F", "json", job_id)
        found: dict[str, Any] = json.loads(stdout).get("Jobs", {})
        return found

    def wait_for(self, job_id: str, state: str, substate: int | None = None) -> dict[str, Any]:
        """Return what qstat tells of the job as soon as it is in that state."""
        deadline = time.monotonic() + 60
        while True:
            job: dict[str, Any] = self.jobs(job_id)[job_id]
            if job["job_state"] == state and substate in (None, job["substate"]):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.05)

    def wait_for_comment(self, job_id: str, words: str) -> None:
        wait_until(lambda: words in self.jobs(job_id)[job_id].get("comment", ""))

    def wait_for_counts(self, array: str, counts: str) -> None:
        wait_until(lambda: self.jobs(array)[array]["array_state_count"] == counts)

    def wait_for_file(self, pattern: str, words: str) -> None:
        """Wait for words in a file of the jobs' spool."""
        spool = self.state / "jobs"
        wait_until(lambda: any(words in path.read_text() for path in spool.glob(f"*/{pattern}")))

    def end_all(self) -> None:
        """Delete what there is, and wait for the server to leave."""
        if not (self.state / "jobs").exists():
            return
        for switch in ("down", "frozen", "lost", "busy", "torn", "mom-down", "nohistory", "slow"):
            (self.state / switch).unlink(missing_ok=True)
        job_ids = self.call("qselect")[0].split()
        if job_ids:
            self.call("qdel", "-W", "force", *job_ids)
        wait_until(lambda: not self.call("qselect")[0])
