"""The job script as a real Slurm runs it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from qxub.execution.run_directory import Ending, RunDirectory
from qxub.job import ArrayRange, JobSpec
from qxub.scheduler.slurm import Slurm as SlurmScheduler
from tests.execution.scripts import prepared
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.slurm import Slurm

pytestmark = runs_jobs
VALUE = "se cret"


def submitted(slurm: Slurm, run: RunDirectory, *options: str) -> str:
    words = ("sbatch", "--parsable", f"--output={run.log}", *options, str(run.script))
    answer = slurm.run(*words)
    assert answer.stdout, answer.stderr  # the status is the job's, with --wait
    return answer.stdout.strip()


def test_the_members_of_an_array(slurm: Slurm, tmp_path: Path) -> None:
    spec = JobSpec(
        (),
        shell_command="echo $QXUB_ARRAY_INDEX ${{SLURM_ARRAY_TASK_ID}}; exit $QXUB_ARRAY_INDEX",
        array=ArrayRange(0, 2, 2),
        stdout="{name}/{index}.out",
        name="members",
    )
    run = prepared(tmp_path, spec, scheduler=SlurmScheduler())
    submitted(slurm, run, "--array=0-2:2", "--wait")
    for index in (0, 2):
        assert run.files(index).ending() == Ending("exit", str(index), terminated=False)
        assert (tmp_path / "members" / f"{index}.out").read_text() == f"{index} {index}\n"
    assert run.log.read_text() == ""


def test_the_user_s_files_by_the_job_s_id(slurm: Slurm, tmp_path: Path) -> None:
    spec = JobSpec(("echo", "here"), log_directory="logs/{job_id}", stdout="out")
    run = prepared(tmp_path, spec, scheduler=SlurmScheduler())
    job_id = submitted(slurm, run, "--wait")
    assert (tmp_path / "logs" / job_id / "out").read_text() == "here\n"


def test_no_value_of_a_variable_is_among_the_job_s_attributes(slurm: Slurm, tmp_path: Path) -> None:
    spec = JobSpec(("sh", "-c", 'printf %s "$WORD"'), variables=(("WORD", VALUE),))
    run = prepared(tmp_path, spec, scheduler=SlurmScheduler())
    job_id = submitted(slurm, run, "--wait")
    assert run.files().stdout.read_text() == VALUE
    for words in (("show", "job", "-dd", job_id), ("write", "batch_script", job_id, "-")):
        said = slurm.run("scontrol", *words).stdout
        assert job_id in said or "#!/bin/bash" in said
        assert VALUE not in said


def test_a_cancelled_job_notes_that_it_was_told_to_end(slurm: Slurm, tmp_path: Path) -> None:
    line = "trap 'echo bye; exit 5' TERM; touch ready; while :; do sleep 0.05; done"
    run = prepared(tmp_path, JobSpec(("bash", "-c", line)), scheduler=SlurmScheduler())
    job_id = submitted(slurm, run)
    while not (tmp_path / "ready").exists():  # the time limit of the test ends this, too
        time.sleep(0.05)
    slurm.run("scancel", job_id)
    while run.files().ending() is None:
        time.sleep(0.05)
    assert run.files().ending() == Ending("exit", "5", terminated=True)
    assert run.files().stdout.read_text() == "bye\n"


def test_a_job_with_a_narrow_umask_of_the_submitter(slurm: Slurm, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        run = prepared(tmp_path, JobSpec(("touch", "made")), scheduler=SlurmScheduler())
        submitted(slurm, run, "--wait")
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o644
    modes = {path.name: path.stat().st_mode & 0o077 for path in run.path.iterdir()}
    modes.pop("scheduler.log")  # Slurm's own, in a directory that nobody else enters
    assert set(modes.values()) == {0}, modes
