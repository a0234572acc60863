"""`qxub exec` where PBS Pro is the scheduler: the fake one of tests/fakes/batch."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.batch.harness import COMMANDS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")


class Cluster:
    """A login node: its scheduler's commands on PATH, and directories of our own."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.work = directory / "work"
        self.pbs = directory / "pbs"
        for path in (self.home, self.work, self.pbs):
            path.mkdir()
        places = [str(COMMANDS), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join(places),
            "FAKE_PBS": str(self.pbs),
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(directory / "state"),
            "XDG_CONFIG_HOME": str(directory / "config"),
        }
        self.environment.pop("QXUB_PLATFORM", None)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "qxub", "exec", *words],
            env=self.environment,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str) -> tuple[bytes, str, int]:
        with self.start(*words) as process:
            stdout, stderr = process.communicate()
        return stdout, stderr.decode(), process.returncode

    def jobs(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.pbs.glob("jobs/*/attributes")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    for switch in ("busy", "lost", "down", "nohistory"):
        (made.pbs / switch).unlink(missing_ok=True)
    wait_until(lambda: all(job["job_state"] == "F" for job in made.jobs()))


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137)]
)
def test_the_exit_status_is_the_job_s(cluster: Cluster, script: str, status: int) -> None:
    stdout, stderr, found = cluster.run("--", "sh", "-c", f"echo out; echo err >&2; {script}")
    assert (stdout, found) == (b"out\n", status)
    assert stderr.startswith("err\n")


def test_the_job_runs_in_the_directory_of_the_call(cluster: Cluster) -> None:
    stdout, _, _ = cluster.run("--", "sh", "-c", 'pwd; echo "$PBS_JOBID"')
    assert stdout.decode().splitlines() == [str(cluster.work), "1.pbshost"]


def test_pbs_gets_what_was_asked_for(cluster: Cluster) -> None:
    words = [
        "--queue",
        "express",
        "--mem",
        "1GB",
        "--cpus",
        "2",
        "--time",
        "1h",
        "--project",
        "a56",
    ]
    assert cluster.run(*words, "--name", "train", "--", "true") == (b"", "", 0)
    (job,) = cluster.jobs()
    assert (job["queue"], job["project"], job["Job_Name"]) == ("express", "a56", "train")
    wanted = job["Resource_List"]
    assert (wanted["mem"], wanted["ncpus"], wanted["walltime"]) == ("1gb", 2, "01:00:00")


def test_ctrl_c_cancels_a_running_job(cluster: Cluster) -> None:
    with cluster.start("--", "sh", "-c", "echo $$; exec sleep 600") as process:
        assert process.stdout is not None
        command = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert "cancelled" in stderr.decode()
    with pytest.raises(ProcessLookupError):
        os.kill(command, 0)
    (job,) = cluster.jobs()
    assert (job["substate"], job["Exit_status"]) == (91, 271)


def test_ctrl_c_cancels_a_queued_job(cluster: Cluster) -> None:
    (cluster.pbs / "busy").touch()
    with cluster.start("--", "touch", "never") as process:
        wait_until(lambda: list(cluster.work.parent.glob("state/qxub/runs/*/job_id")))
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert "Not enough free nodes available and terminated" in stderr.decode()
    assert not (cluster.work / "never").exists()


def test_walltime_is_told_even_when_the_command_ends_well_at_its_term(cluster: Cluster) -> None:
    script = "trap 'echo saved; exit 0' TERM; sleep 600 & wait"
    stdout, stderr, status = cluster.run("--time", "1s", "--", "bash", "-c", script)
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
    with cluster.start("--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"out\n"
        (cluster.pbs / "down").touch()
        (cluster.work / "go").touch()
        process.communicate()
    assert process.returncode == 3


def test_without_a_job_history_the_script_tells_how_it_ended(cluster: Cluster) -> None:
    (cluster.pbs / "nohistory").touch()
    with cluster.start("--", "sh", "-c", "echo out; exec sleep 600") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr == b"qxub: cancelled (exit status 130)\n"


def test_a_step_that_fails_is_71_and_named(cluster: Cluster) -> None:
    _, stderr, status = cluster.run("--env", "no-such-environment", "--", "true")
    assert status == 71
    assert "activating the conda environment no-such-environment failed" in stderr
    named = re.search(r"See (.*)\.$", stderr, re.MULTILINE)
    assert named is not None
    wait_until(Path(named[1]).exists)  # PBS delivers it a second after the end
    assert Path(named[1]).stat().st_size > 0


def test_terse_gives_the_job_id_and_leaves(cluster: Cluster) -> None:
    assert cluster.run("--terse", "--", "true") == (b"1.pbshost\n", "", 0)


def test_slurm_s_wrapper_called_qsub_is_not_taken_for_pbs(cluster: Cluster, tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    wrapper = "echo 'Unknown option: version' >&2; exit 1"
    for name, text in {"qsub": wrapper, "sbatch": "echo slurm-wlm 22.05.8"}.items():
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    cluster.environment["PATH"] = f"{commands}{os.pathsep}{cluster.environment['PATH']}"
    stdout, stderr, status = cluster.run("--dry", "--", "true")
    assert (stderr, status) == ("", 0)
    assert b"#SBATCH" in stdout
    assert b"#PBS" not in stdout
