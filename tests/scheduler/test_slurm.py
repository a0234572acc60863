"""Slurm's answers, as scontrol(1) and sbatch(1) of Slurm 22.05 give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qxub.job import JobSpec, JobState, Outcome, OutcomeKind, Resources
from qxub.scheduler.base import Answer, JobReport, Submission
from qxub.scheduler.slurm import Slurm

JOB = (
    "JobId=12 JobName={name} UserId=root(0) GroupId=root(0) MCS_label=N/A Priority=1 Nice=0 "
    "Account=(null) QOS=(null) JobState={state} Reason={reason} Dependency=(null) Requeue=0 "
    "Restarts=0 BatchFlag=1 Reboot=0 ExitCode={code} RunTime=00:00:01 TimeLimit=UNLIMITED "
    "Partition=normal NodeList=vm Comment=JobState=RUNNING\n"
)


def report(state: str, code: str = "0:0", reason: str = "None") -> JobReport | None:
    text = JOB.format(state=state, code=code, reason=reason, name="train")
    return Slurm().report("12", Answer(text, "", 0))


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("PENDING", "Resources", JobState.QUEUED),
        ("PENDING", "JobHeldUser", JobState.HELD),
        ("CONFIGURING", "None", JobState.QUEUED),
        ("RUNNING", "None", JobState.RUNNING),
        ("COMPLETING", "None", JobState.RUNNING),
        ("SUSPENDED", "None", JobState.RUNNING),
    ],
)
def test_a_job_on_its_way(state: str, reason: str, expected: JobState) -> None:
    assert report(state, reason=reason) == JobReport(expected)


@pytest.mark.parametrize(
    ("state", "code", "kind", "exit_status"),
    [
        ("COMPLETED", "0:0", OutcomeKind.COMPLETED, 0),
        ("FAILED", "7:0", OutcomeKind.COMPLETED, 7),
        ("FAILED", "0:9", OutcomeKind.SIGNALLED, 137),
        ("TIMEOUT", "0:15", OutcomeKind.WALLTIME_EXCEEDED, 124),
        ("DEADLINE", "0:0", OutcomeKind.WALLTIME_EXCEEDED, 124),
        ("OUT_OF_MEMORY", "0:125", OutcomeKind.OUT_OF_MEMORY, 137),
        ("CANCELLED", "0:15", OutcomeKind.CANCELLED, 130),
        ("NODE_FAIL", "0:0", OutcomeKind.LOST, 75),
        ("BOOT_FAIL", "0:0", OutcomeKind.LOST, 75),
        ("PREEMPTED", "0:15", OutcomeKind.LOST, 75),
        ("FROBNICATED", "0:0", OutcomeKind.LOST, 75),
    ],
)
def test_a_job_that_has_ended(state: str, code: str, kind: OutcomeKind, exit_status: int) -> None:
    found = report(state, code)
    assert found is not None
    assert found.state is JobState.ENDED
    assert found.outcome is not None
    assert (found.outcome.kind, found.outcome.exit_status) == (kind, exit_status)
    assert found.outcome.job_id == "12"


def test_a_job_that_slurm_no_longer_knows_is_unknown_and_not_ended() -> None:
    words = "slurm_load_jobs error: Invalid job id specified\n"
    assert Slurm().report("12", Answer("", words, 1)) is None


@pytest.mark.parametrize("stdout", ["", "JobId=13 JobName=x JobState=COMPLETED ExitCode=0:0"])
def test_an_answer_about_something_else_is_no_answer(stdout: str) -> None:
    with pytest.raises(ValueError, match="said nothing of job 12"):
        Slurm().report("12", Answer(stdout, "", 0))


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [("12\n", "12"), ("12;cluster\n", "12"), ("Welcome to X\n12\n", "12"), ("no\n", None)],
)
def test_the_job_id_is_found_among_a_site_s_notices(stdout: str, expected: str | None) -> None:
    assert Slurm().job_id(Answer(stdout, "", 0)) == expected


def test_resources_become_directives() -> None:
    spec = JobSpec(
        ("x",),
        queue="work",
        project="a56",
        resources=Resources(memory=2**30 + 1, cpus=4, walltime=5400),
    )
    lines = Slurm().directives(Submission(spec, "run", "train", Path("/r/job.sh"), Path("/r/log")))
    assert lines == [
        "#SBATCH --job-name=train",
        "#SBATCH --partition=work",
        "#SBATCH --account=a56",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=1025M",
        "#SBATCH --time=1:30:00",
        "#SBATCH --no-requeue",
    ]


def test_queue_auto_names_no_partition() -> None:
    submission = Submission(JobSpec(("x",), queue="auto"), "run", "x", Path("/j"), Path("/l"))
    assert not any("partition" in line for line in Slurm().directives(submission))


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("sbatch: error: Unable to contact slurm controller (connect failure)", True),
        ("sbatch: fatal: Could not establish a configuration source", True),
        ("sbatch: error: invalid partition specified: nope", False),
    ],
)
def test_down_is_told_from_refused(stderr: str, expected: bool) -> None:
    assert Slurm().is_unavailable(Answer("", stderr, 1)) is expected


def test_the_outcome_keeps_slurm_s_word() -> None:
    found = report("TIMEOUT", "0:15")
    assert found == JobReport(
        JobState.ENDED,
        Outcome(OutcomeKind.WALLTIME_EXCEEDED, job_id="12", detail="Slurm says TIMEOUT"),
    )
