"""`qxub exec` where PBS Pro is the scheduler: the fake one of tests/fakes/batch."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Qxub
from tests.fakes.batch.harness import COMMANDS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")


class Cluster(Qxub):
    """A login node with the commands of the fake PBS."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.config.write_text("")  # the scheduler is found by its commands
        self.pbs = directory / "pbs"
        self.pbs.mkdir()
        self.environment["PATH"] = f"{COMMANDS}{os.pathsep}{self.environment['PATH']}"
        self.environment["FAKE_PBS"] = str(self.pbs)

    def run(self, *words: str) -> tuple[bytes, str, int]:
        done = self("exec", *words)
        return done.stdout, done.stderr.decode(), done.returncode

    def jobs(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.pbs.glob("jobs/*/attributes")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    for switch in ("busy", "lost", "down", "nohistory"):
        (made.pbs / switch).unlink(missing_ok=True)
    wait_until(lambda: all(job["job_state"] == "F" for job in made.jobs()))


def test_the_job_runs_in_the_directory_of_the_call(cluster: Cluster) -> None:
    stdout, _, _ = cluster.run("--", "sh", "-c", 'pwd; echo "$PBS_JOBID"')
    assert stdout.decode().splitlines() == [str(cluster.directory), "1.pbshost"]


def test_pbs_gets_what_was_asked_for(cluster: Cluster) -> None:
    words = "--queue express --mem 1GB --cpus 2 --time 1h --project a56 --name train -- true"
    assert cluster.run(*words.split()) == (b"", "", 0)
    (job,) = cluster.jobs()
    assert (job["queue"], job["project"], job["Job_Name"]) == ("express", "a56", "train")
    wanted = job["Resource_List"]
    assert (wanted["mem"], wanted["ncpus"], wanted["walltime"]) == ("1gb", 2, "01:00:00")


def test_ctrl_c_cancels_a_queued_job(cluster: Cluster) -> None:
    (cluster.pbs / "busy").touch()
    with cluster.start("exec", "--", "touch", "never") as process:
        wait_until(lambda: list(cluster.runs.glob("*/job_id")))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert "Not enough free nodes available and terminated" in stderr.decode()
    assert not (cluster.directory / "never").exists()


def test_walltime_is_told_even_when_the_command_ends_well_at_its_term(cluster: Cluster) -> None:
    script = "trap 'echo saved; exit 0' TERM; sleep 600 & wait"
    stdout, stderr, status = cluster.run("--time", "5s", "--", "bash", "-c", script)
    assert (stdout, status) == (b"saved\n", 124)
    assert "exceeded resource walltime" in stderr


def test_a_refusal_is_65_with_the_words_of_pbs(cluster: Cluster) -> None:
    stdout, stderr, status = cluster.run("--queue", "nosuch", "--", "true")
    assert (stdout, status) == (b"", 65)
    assert "pbs_pro refused the job, so nothing was submitted: qsub: Unknown queue" in stderr
    assert "Traceback" not in stderr


def test_a_server_that_is_down_is_69(cluster: Cluster) -> None:
    (cluster.pbs / "down").touch()
    stdout, stderr, status = cluster.run("--", "true")
    assert (stdout, status) == (b"", 69)
    assert "cannot connect to server pbshost (errno=15010)" in stderr
    assert cluster.jobs() == []


def test_a_server_that_goes_down_later_does_not_lose_the_status(cluster: Cluster) -> None:
    script = "echo out; while [ ! -e go ]; do sleep 0.05; done; exit 3"
    with cluster.start("exec", "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"out\n"
        (cluster.pbs / "down").touch()
        (cluster.directory / "go").touch()
        process.communicate()
    assert process.returncode == 3


def test_without_a_job_history_the_script_tells_how_it_ended(cluster: Cluster) -> None:
    (cluster.pbs / "nohistory").touch()
    with cluster.start("exec", "--", "sh", "-c", "echo out; exec sleep 600") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    # What PBS says of it follows, where it was asked before it forgot the job.
    assert stderr.splitlines()[0] == b"qxub: cancelled (exit status 130)"


def test_a_step_that_fails_is_71_and_named(cluster: Cluster) -> None:
    _, stderr, status = cluster.run("--env", "no-such-environment", "--", "true")
    assert status == 71
    assert "activating the conda environment no-such-environment failed" in stderr
    named = re.search(r"See (.*)\.$", stderr, re.MULTILINE)
    assert named is not None
    assert Path(named[1]).stat().st_size > 0
