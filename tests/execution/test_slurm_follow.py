"""Following on a real Slurm: true endings, and few questions."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Qxub
from tests.posix import runs_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.slurm import Slurm

pytestmark = runs_jobs
QUESTIONS = ("scontrol", "squeue", "sacct")
COUNTING = """#!/bin/sh
echo {name} "$@" >>{directory}/questions
exec {real} "$@"
"""


class Site(Qxub):
    """A login node of a Slurm that notes every question."""

    def __init__(self, directory: Path, slurm: Slurm) -> None:
        super().__init__(directory)
        self.config.write_text("scheduler: slurm\n")
        commands = directory / "bin"
        commands.mkdir()
        for name in QUESTIONS:
            real = shutil.which(name)
            if real is not None:
                command = commands / name
                command.write_text(COUNTING.format(name=name, directory=directory, real=real))
                command.chmod(0o755)
        path = f"{commands}{os.pathsep}{self.environment['PATH']}"
        self.environment.update(slurm.env, PATH=path)
        self.slurm = slurm

    def questions(self) -> list[str]:
        notes = self.directory / "questions"
        return notes.read_text().splitlines() if notes.exists() else []

    def result(self) -> Any:
        return json.loads((self.directory / "result.json").read_text())


@pytest.fixture
def site(tmp_path: Path, slurm: Slurm) -> Site:
    return Site(tmp_path, slurm)


def test_status_and_bytes_are_the_job_s(site: Site) -> None:
    script = "printf out; printf err >&2; sleep 5; exit 9"
    done = site("exec", "--result", "result.json", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (9, b"out", b"err")
    found = site.result()
    assert (found["kind"], found["exit_status"]) == ("completed", 9)
    assert found["scheduler"] == "slurm"


def test_a_job_that_was_cancelled_while_it_waited(site: Site) -> None:
    cores = str(os.cpu_count())
    script = "touch taken; while [ ! -e go ]; do sleep 0.1; done"
    site("exec", "--terse", "--cpus", cores, "--", "sh", "-c", script)
    wait_until((site.directory / "taken").exists)
    try:
        words = ("exec", "-v", "--cpus", cores, "--result", "result.json", "--", "touch", "never")
        with site.start(*words) as process:
            assert process.stderr is not None
            while b"is queued" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            process.communicate()
        assert process.returncode == 130
        assert site.result()["kind"] == "cancelled"
        assert not (site.directory / "never").exists()
    finally:
        (site.directory / "go").touch()


def test_a_job_that_was_cancelled_by_another_while_it_ran(site: Site) -> None:
    words = ("exec", "--result", "result.json", "--", "sh", "-c", "touch started; exec sleep 600")
    with site.start(*words) as process:
        wait_until((site.directory / "started").exists)
        (run,) = site.runs.iterdir()
        site.slurm.run("scancel", (run / "job_id").read_text().strip())
        process.communicate()
    assert process.returncode == 130
    assert site.result()["kind"] == "cancelled"


def test_a_job_that_was_killed_with_its_script_ended_by_a_signal(site: Site) -> None:
    script = "kill -9 0"  # the whole process group
    done = site("exec", "--result", "result.json", "--", "sh", "-c", script)
    (run,) = site.runs.iterdir()
    assert not (run / "status").exists()
    found = site.result()
    assert (done.returncode, found["kind"], found["signal"]) == (137, "signalled", 9)


def test_jobs_that_are_followed_together_share_their_questions(site: Site) -> None:
    """Eight processes wait for eight jobs, most of which must wait for the others."""
    started = time.monotonic()
    processes = [site.start("exec", "--cpus", "1", "--", "sleep", "3") for _ in range(8)]
    statuses = [process.wait() for process in processes]
    for process in processes:
        process.communicate()
    elapsed = time.monotonic() - started
    assert statuses == [0] * 8
    assert len(site.questions()) <= elapsed / 2 + 1


def test_the_wrapper_sees_the_questions(site: Site) -> None:
    """So that the count above cannot be of nothing."""
    assert site("exec", "--", "sleep", "5").returncode == 0
    assert site.questions()
