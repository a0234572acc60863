"""The fake batch system answers word for word as the real one did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FAKES = Path(__file__).parent
DATA = Path(__file__).parents[2] / "data" / "pbs"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")


class FakePbs:
    """The commands, in an empty directory, with the fake's state."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.state.mkdir()

    def call(self, command: str, *words: str) -> tuple[str, str, int]:
        done = subprocess.run(
            [sys.executable, str(FAKES / command), *words],
            env={**os.environ, "FAKE_PBS": str(self.state), "HOME": str(self.directory)},
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout, done.stderr, done.returncode

    def submit(self, script: str, *options: str) -> None:
        (self.directory / "job.sh").write_text(f"#!/bin/bash\n{script}\n")
        assert self.call("qsub", "-o", "log", *options, "job.sh") == ("1.pbshost\n", "", 0)

    def wait_for(self, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            answer = json.loads(self.call("qstat", "-x", "-f", "-F", "json", "1.pbshost")[0])
            job: dict[str, Any] = answer["Jobs"]["1.pbshost"]
            if job["job_state"] == state:
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.1)


@pytest.fixture
def pbs(tmp_path: Path) -> FakePbs:
    return FakePbs(tmp_path)


def record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return found


def assert_same(pbs: FakePbs, name: str, job_id: str = "") -> None:
    """Call as was called then, with the job ID of now for the one of then."""
    said = json.loads(json.dumps(record(name)).replace(job_id or "\0", "1.pbshost"))
    stdout, stderr, status = pbs.call(*said["argv"])
    assert (stderr, status) == (said["stderr"], said["rc"])
    if said["stdout"].startswith("{"):
        ours, theirs = json.loads(stdout), json.loads(said["stdout"])
        assert {**ours, "timestamp": 0} == {**theirs, "timestamp": 0}
        assert stdout.splitlines()[0] == said["stdout"].splitlines()[0]
        assert stdout.splitlines()[2] == said["stdout"].splitlines()[2]  # tabs and all
    else:
        assert stdout == said["stdout"]


@pytest.mark.parametrize(
    "name",
    [
        "00-version-qsub",
        "02-qsub-directive-extra-word",
        "04-qsub-l-ncpus-over-queue",
        "04-qsub-queue-unknown",
        "05-qsub-missing-script",
        "22-qstat-malformed-json",
        "22-qstat-unknown-json-x",
        "26-nohistory-qdel",
        "26-nohistory-qstat-x",
        "32-qdel-malformed",
        "32-qdel-unknown-full",
        "50-down-qdel",
        "50-down-qstat-json",
        "50-down-qsub",
    ],
)
def test_refusals(pbs: FakePbs, name: str) -> None:
    (pbs.directory / "ok.sh").write_text("#!/bin/bash\n")
    (pbs.directory / "dirbad3.sh").write_text("#!/bin/bash\n#PBS -N two words\n")
    if name.startswith(("26-nohistory", "50-down")):
        (pbs.state / name.split("-")[1]).touch()
    assert_same(pbs, name)


def test_a_finished_job(pbs: FakePbs) -> None:
    pbs.submit('echo "$PBS_JOBID"; exit 3')
    job = pbs.wait_for("F")
    assert_like(job, "21-run-exit3")
    assert (pbs.directory / "log").read_text() == "1.pbshost\n"
    assert_same(pbs, "22-qstat-finished-no-x-json", "163.pbshost")
    assert_same(pbs, "32-qdel-finished", "167.pbshost")


@pytest.mark.parametrize(
    ("script", "options", "name"),
    [
        ("exit 0", [], "21-run-exit0"),
        ("kill -9 $$", [], "21-run-kill9self"),
        ("trap 'exit 7' TERM; sleep 60 & wait", ["-lwalltime=1"], "21-run-walltime-trap"),
    ],
)
def test_a_job_s_end(pbs: FakePbs, script: str, options: list[str], name: str) -> None:
    pbs.submit(script, *options)
    assert_like(pbs.wait_for("F"), name)


def test_a_running_job_is_deleted(pbs: FakePbs) -> None:
    pbs.submit("sleep 60")
    assert_like(pbs.wait_for("R"), "20-qstat-json-running")
    assert_same(pbs, "32-qdel-queued", "166.pbshost")
    assert_like(pbs.wait_for("F"), "32-qdel-several-result")


def test_a_queued_job_is_deleted(pbs: FakePbs) -> None:
    (pbs.state / "busy").touch()
    pbs.submit("touch never")
    assert pbs.wait_for("Q")["substate"] == 10
    assert_same(pbs, "32-qdel-queued", "166.pbshost")
    assert_like(pbs.wait_for("F"), "21-run-qdel-queued")


def assert_like(job: dict[str, Any], name: str) -> None:
    """Compare what qxub reads, and see that no attribute is of the fake's invention."""
    (theirs,) = json.loads(record(name)["stdout"])["Jobs"].values()
    read = ("job_state", "substate", "Exit_status")
    assert [job.get(key) for key in read] == [theirs.get(key) for key in read]
    assert job.keys() <= theirs.keys()
    assert {key: type(job[key]) for key in job} == {key: type(theirs[key]) for key in job}
    assert job["comment"].partition(" and ")[2] == theirs["comment"].partition(" and ")[2]
