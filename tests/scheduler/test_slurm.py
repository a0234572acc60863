"""Slurm's answers, as squeue(1), sacct(1) and sbatch(1) of Slurm 22.05 give them."""

from __future__ import annotations

import time

import pytest

from qxub.errors import SchedulerError
from qxub.job import JobState, OutcomeKind
from qxub.scheduler.base import COMMAND_MISSING, Answer, JobReport
from qxub.scheduler.slurm import Slurm
from tests.scheduler.conversations import converse

DISABLED = Answer("", "Slurm accounting storage is disabled\n", 1)
UNKNOWN = Answer("", "slurm_load_jobs error: Invalid job id specified\n", 1)
TIMES = "2026-11-28T21:03:26|2026-11-28T21:03:28|2026-11-28T21:03:38"
BEGIN = time.mktime((2026, 11, 28, 21, 3, 26, 0, 0, -1))


def line(state: str, code: str = "0", reason: str = "None", job: str = "12|N/A") -> str:
    return f"{job}|{state}|{code}|{reason}|normal|vm|{TIMES}|0:10|\n"


def report(state: str, code: str = "0", reason: str = "None") -> JobReport:
    said = Answer(f"Notice | of the site\n{line(state, code, reason)}", "", 0)
    told = converse(Slurm().query(["12"]), said)[0]["12"]
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("PENDING", "Resources", JobState.QUEUED),
        ("PENDING", "JobHeldUser", JobState.HELD),
        ("PENDING", "JobHeldAdmin", JobState.HELD),
        ("PENDING", "Dependency", JobState.WAITING),
        ("PENDING", "BeginTime", JobState.WAITING),
        ("CONFIGURING", "None", JobState.QUEUED),
        ("REQUEUED", "None", JobState.QUEUED),
        ("REQUEUE_HOLD", "JobHeldUser", JobState.HELD),
        ("SPECIAL_EXIT", "None", JobState.HELD),
        ("RUNNING", "None", JobState.RUNNING),
        ("COMPLETING", "None", JobState.EXITING),
        ("STAGE_OUT", "None", JobState.EXITING),
        ("SUSPENDED", "None", JobState.SUSPENDED),
        ("STOPPED", "None", JobState.SUSPENDED),
    ],
)
def test_a_job_on_its_way(state: str, reason: str, expected: JobState) -> None:
    told = report(state, reason=reason)
    assert (told.state, told.outcome, told.ended_at) == (expected, None, None)


@pytest.mark.parametrize(
    ("state", "code", "kind", "exit_status"),
    [
        ("COMPLETED", "0", OutcomeKind.COMPLETED, 0),
        ("FAILED", "768", OutcomeKind.COMPLETED, 3),
        ("FAILED", "7:0", OutcomeKind.COMPLETED, 7),
        ("FAILED", "9", OutcomeKind.SIGNALLED, 137),
        ("FAILED", "139", OutcomeKind.SIGNALLED, 139),  # with a core dump
        ("FAILED", "0:9", OutcomeKind.SIGNALLED, 137),
        ("TIMEOUT", "15", OutcomeKind.WALLTIME_EXCEEDED, 124),
        ("DEADLINE", "0", OutcomeKind.WALLTIME_EXCEEDED, 124),
        ("OUT_OF_MEMORY", "0:125", OutcomeKind.OUT_OF_MEMORY, 137),
        ("CANCELLED", "15", OutcomeKind.CANCELLED, 130),
        ("NODE_FAIL", "0", OutcomeKind.LOST, 75),
        ("BOOT_FAIL", "0", OutcomeKind.LOST, 75),
        ("PREEMPTED", "15", OutcomeKind.LOST, 75),
        ("FAILED", "0", OutcomeKind.LOST, 75),
        ("COMPLETED", "N/A", OutcomeKind.LOST, 75),
        ("FROBNICATED", "0", OutcomeKind.LOST, 75),
    ],
)
def test_a_job_that_has_ended(state: str, code: str, kind: OutcomeKind, exit_status: int) -> None:
    told = report(state, code)
    assert told.state is JobState.ENDED
    assert told.outcome is not None
    assert (told.outcome.kind, told.outcome.exit_status) == (kind, exit_status)
    assert told.outcome.job_id == "12"


def test_the_outcome_keeps_slurm_s_words() -> None:
    told = report("CANCELLED", reason="DependencyNeverSatisfied").outcome
    assert told is not None
    assert told.detail == "Slurm says CANCELLED (DependencyNeverSatisfied)"


def test_a_report_has_all_that_slurm_tells() -> None:
    told = report("COMPLETED")
    assert (told.queue, told.nodes, told.used) == ("normal", "vm", {"elapsed": "0:10"})
    assert (told.submitted_at, told.started_at, told.ended_at) == (BEGIN, BEGIN + 2, BEGIN + 12)
    waits = report("PENDING", reason="Priority")
    assert (waits.reason, waits.starts_at, waits.started_at) == ("Priority", BEGIN + 2, None)


def test_all_jobs_are_one_question() -> None:
    said = Answer(line("RUNNING") + line("PENDING", job="13|N/A"), "", 0)
    found, commands = converse(Slurm().query(["12", "13"]), said)
    assert len(commands) == 1
    assert commands[0].startswith("squeue --states=all --noheader --Format=ArrayJobID:|,")
    assert commands[0].endswith(" --jobs=12,13")
    assert [told and told.state.value for told in found.values()] == ["running", "queued"]


def test_one_unknown_job_does_not_make_the_others_unknown() -> None:
    """squeue of 22.05 leaves it out; one that refused the question would not say which it is."""
    scheduler = Slurm()
    told = Answer(line("RUNNING", job="13|N/A") + line("RUNNING", job="14|N/A"), "", 0)
    found, commands = converse(scheduler.query(["12", "13"]), UNKNOWN, told, DISABLED)
    assert found["12"] is None
    assert found["13"] is not None
    assert len(found) == 2
    assert commands[1].endswith(" --me")
    found, commands = converse(scheduler.query(["12", "13"]), told)  # which it remembers
    assert found["12"] is None
    assert commands[0].endswith(" --me")
    with pytest.raises(SchedulerError):
        converse(scheduler.query(["12", "13"]), UNKNOWN)


@pytest.mark.parametrize("accounting", [DISABLED, Answer("", "no sacct", COMMAND_MISSING)])
@pytest.mark.parametrize("controller", [UNKNOWN, Answer("", "", 0)])
def test_without_accounting_the_controller_has_the_last_word(
    accounting: Answer, controller: Answer
) -> None:
    scheduler = Slurm()
    found, commands = converse(scheduler.query(["12"]), controller, accounting)
    assert found == {"12": None}
    assert commands[1].startswith("sacct --jobs=12 --allocations --noheader --parsable2")
    found, commands = converse(scheduler.query(["12"]), controller)  # which it remembers
    assert (found, len(commands)) == ({"12": None}, 1)


def test_the_accounting_knows_what_the_controller_has_forgotten() -> None:
    columns = f"normal|vm|{TIMES}|00:00:10\n"
    accounted = (
        f"12|FAILED|3:0|NonZeroExitCode|{columns}13|CANCELLED by 1000|0:0|None|{columns}"
        f"14|RUNNING|0:0|None|{columns}"  # which the controller does not know: it is not
    )
    asked = ["12", "13", "14", "15"]
    found, _ = converse(Slurm().query(asked), Answer("", "", 0), Answer(accounted, "", 0))
    endings = [told and told.outcome and told.outcome.exit_status for told in found.values()]
    assert endings == [3, 130, None, None]
    assert found["14"] is None


def test_an_accounting_that_does_not_answer_leaves_it_open() -> None:
    down = Answer("", "sacct: error: Problem talking to the database", 1)
    with pytest.raises(SchedulerError, match="sacct failed: sacct: error: Problem talking"):
        converse(Slurm().query(["12"]), UNKNOWN, down)


def test_an_array_is_in_the_state_of_its_members() -> None:
    members = line("COMPLETED", job="8|1") + line("RUNNING", job="8|3") + line("PENDING", job="8|5")
    told = converse(Slurm().query(["8"]), Answer(members, "", 0))[0]["8"]
    assert told is not None
    assert (told.state, told.outcome) == (JobState.RUNNING, None)
    assert {index: member.state.value for index, member in told.members.items()} == {
        1: "ended",
        3: "running",
        5: "queued",
    }


@pytest.mark.parametrize(
    ("members", "indices"),
    [
        ("8", [8]),
        ("7-28:7", [7, 14, 21, 28]),
        ("2-4%1", [2, 3, 4]),
        ("1,5-6,9-13:4%2", [1, 5, 6, 9, 13]),
    ],
)
def test_members_that_wait_are_on_one_line(members: str, indices: list[int]) -> None:
    said = Answer(line("PENDING", job=f"8|{members}") + line("RUNNING", job="8|0"), "", 0)
    told = converse(Slurm().query(["8"]), said)[0]["8"]
    assert told is not None
    assert sorted(told.members) == [0, *indices]
    assert told.members[indices[-1]].state is JobState.QUEUED


def test_members_that_the_controller_has_forgotten_are_in_the_accounting() -> None:
    columns = f"normal|vm|{TIMES}|00:00:10\n"
    accounted = Answer(
        f"8_1|FAILED|3:0|None|{columns}8_2|FAILED|9:0|None|{columns}"
        f"8_[3,5-9:2%4]|CANCELLED by 1000|0:0|None|{columns}"  # before they began
        f"8_[10-20,...]|CANCELLED by 1000|0:0|None|{columns}",  # cut: which they are is not told
        "",
        0,
    )
    left = Answer(line("FAILED", "256", job="8|2"), "", 0)
    told = converse(Slurm().query(["8"]), left, accounted)[0]["8"]
    assert told is not None
    endings = {index: member.outcome for index, member in told.members.items()}
    assert {index: end.exit_status for index, end in endings.items() if end} == {
        1: 3,
        2: 1,
        **dict.fromkeys((3, 5, 7, 9), 130),
    }


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("squeue: error: Unable to contact slurm controller", "slurm does not answer"),
        ("squeue: fatal: something else", "squeue failed: squeue: fatal"),
    ],
)
def test_a_question_that_fails_says_nothing_of_a_job(stderr: str, words: str) -> None:
    with pytest.raises(SchedulerError, match=words):
        converse(Slurm().query(["12"]), Answer("", stderr, 1))


def test_a_run_is_looked_up_by_the_comment() -> None:
    said = Answer("6|(null)|\n8|qxub:a|b|\n8|qxub:a|\n8|qxub:a|\n9|qxub:ab|\n", "", 0)
    found, commands = converse(Slurm().look_up("a", "alice"), said)
    assert found == ["8"]
    assert commands == [
        "squeue --user=alice --states=all --noheader --Format=ArrayJobID:|,Comment:|"
    ]
