"""Slurm: what a submission asks for, and what comes back."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from qxub.errors import RefusedError
from qxub.job import JobSpec, Resources
from qxub.scheduler.base import Answer
from qxub.scheduler.slurm import Slurm
from tests.scheduler.specs import EVERYTHING, submission


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [("12\n", "12"), ("12;cluster\n", "12"), ("Welcome to X\n12\n", "12"), ("no\n", None)],
)
def test_the_job_id_is_found_among_a_site_s_notices(stdout: str, expected: str | None) -> None:
    assert Slurm().job_id(Answer(stdout, "", 0)) == expected


def test_everything_that_can_be_asked_for_becomes_directives() -> None:
    assert Slurm().directives(submission(EVERYTHING)) == [
        "#SBATCH --job-name=train",
        "#SBATCH --partition=normal",
        "#SBATCH --account=a56",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=1025M",
        "#SBATCH --time=1:30:00",
        "#SBATCH --tmp=10240M",
        "#SBATCH --gres=gpu:v100:2",
        "#SBATCH --array=1-10:2%4",
        "#SBATCH --dependency=afterok:12,afterany:13",
        "#SBATCH --kill-on-invalid-dep=yes",
        "#SBATCH --mail-user=a@example.org",
        "#SBATCH --mail-type=FAIL,INVALID_DEPEND,REQUEUE,END",
        "#SBATCH --hold",
        "#SBATCH --no-requeue",
    ]


def test_nothing_asked_for_is_no_directive() -> None:
    assert Slurm().directives(submission(JobSpec(("x",), queue="auto"))) == [
        "#SBATCH --job-name=train",
        "#SBATCH --no-requeue",
    ]


def test_mail_is_sent_when_qsub_would() -> None:
    lines = Slurm().directives(submission(JobSpec(("x",), email="a@b")))
    assert "#SBATCH --mail-type=FAIL,INVALID_DEPEND,REQUEUE" in lines


def test_volumes_are_refused_and_not_ignored() -> None:
    spec = JobSpec(("x",), resources=Resources(volumes=("gdata/a56", "scratch/a56")))
    with pytest.raises(RefusedError, match=r"volumes \(gdata/a56\+scratch/a56\)"):
        Slurm().directives(submission(spec))


@pytest.mark.skipif(os.name == "nt", reason="a backslash is a separator there, and no job runs")
def test_a_log_that_slurm_would_take_for_a_pattern_is_refused() -> None:
    strange = dataclasses.replace(submission(EVERYTHING), log=Path("/home/GROUP\\me/runs/1/log"))
    with pytest.raises(RefusedError, match=r"no path with a backslash, such as /home/GROUP\\me/"):
        Slurm().directives(strange)


def test_the_run_id_and_the_logs_of_members_are_on_the_command_line() -> None:
    strange = dataclasses.replace(submission(EVERYTHING), log=Path("/r/100%/log"))
    argv = Slurm().submit(strange)
    assert argv[:4] == [
        "sbatch",
        "--parsable",
        "--comment=qxub:20261123T000000-0123456789ab",
        f"--output={Path('/r/100%%/log.%a')}",
    ]
    assert [f"#SBATCH {option}" for option in argv[4:-1]] == Slurm().directives(strange)
    assert argv[-1] == str(Path("/r/j"))


@pytest.mark.parametrize(
    ("stderr", "down", "in_doubt"),
    [
        ("sbatch: error: Unable to contact slurm controller (connect failure)", True, False),
        ("sbatch: fatal: Could not establish a configuration source", True, False),
        ("sbatch: fatal: Unable to process configuration file", True, False),
        ("sbatch: fatal: Can't find plugin for select/nonsense", True, False),
        ("sbatch: error: Batch job submission failed: Protocol authentication error", True, False),
        (
            "sbatch: error: auth_g_verify: RESPONSE_SUBMIT_BATCH_JOB has authentication error",
            True,
            True,
        ),
        ("Batch job submission failed: Socket timed out on send/recv operation", True, True),
        ("sbatch: error: invalid partition specified: nope", False, False),
    ],
)
def test_down_is_told_from_refused(stderr: str, *, down: bool, in_doubt: bool) -> None:
    said = Answer("", stderr, 1)
    assert (Slurm().is_unavailable(said), Slurm().may_have_submitted(said)) == (down, in_doubt)
