"""What sacct(1) of Slurm 22.05 said of jobs, word for word (the node's name is shorter)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.errors import SchedulerError
from qxub.job import JobState, OutcomeKind
from qxub.scheduler.base import Answer
from qxub.scheduler.slurm import Slurm
from tests.scheduler.conversations import converse

if TYPE_CHECKING:
    from qxub.scheduler.base import JobReport, Reports

SACCT = Path(__file__).parents[1] / "data" / "slurm" / "sacct"
FORGOTTEN = Answer("", "", 0)
DOWN = Answer(
    "",
    "sacct: error: slurm_persist_conn_open_without_init: failed to open persistent connection to "
    "host:127.0.0.1:53109: Connection refused\n"
    "sacct: error: Sending PersistInit msg: Connection refused\n"
    "sacct: error: Problem talking to the database: Connection refused\n",
    1,
)
HELD = "16|N/A|PENDING|0|JobHeldUser|normal||2026-11-29T00:32:58|N/A|N/A|0:00|\n"


@pytest.fixture(scope="module")
def told() -> Reports:
    asked = [str(number) for number in range(2, 17)]
    said = Answer(SACCT.read_text(), "", 0)
    return converse(Slurm().query(asked), FORGOTTEN, said)[0]


def one(told: Reports, job_id: str) -> JobReport:
    report = told[job_id]
    assert report is not None
    return report


@pytest.mark.parametrize(
    ("job_id", "kind", "exit_status", "words"),
    [
        ("2", OutcomeKind.LOST, 75, "NODE_FAIL"),
        ("3", OutcomeKind.WALLTIME_EXCEEDED, 124, "TIMEOUT"),
        ("4", OutcomeKind.CANCELLED, 130, "CANCELLED by 0"),
        ("5", OutcomeKind.COMPLETED, 3, "FAILED"),
        ("6", OutcomeKind.SIGNALLED, 137, "FAILED"),
        ("7", OutcomeKind.OUT_OF_MEMORY, 137, "OUT_OF_MEMORY"),
        ("8", OutcomeKind.CANCELLED, 130, "CANCELLED by 0"),
        ("9", OutcomeKind.CANCELLED, 130, "CANCELLED"),
    ],
)
def test_an_ending(
    told: Reports, job_id: str, kind: OutcomeKind, exit_status: int, words: str
) -> None:
    report = one(told, job_id)
    assert report.state is JobState.ENDED
    assert report.outcome is not None
    assert (report.outcome.kind, report.outcome.exit_status) == (kind, exit_status)
    assert report.outcome.detail == f"Slurm says {words}"


def test_what_ran_has_a_node_a_start_and_a_time(told: Reports) -> None:
    report = one(told, "3")
    assert (report.nodes, report.used) == ("n1", {"elapsed": "00:00:26"})
    assert report.started_at is not None
    assert report.ended_at == report.started_at + 26


@pytest.mark.parametrize("job_id", ["8", "9"])
def test_what_was_cancelled_while_it_waited_never_began(told: Reports, job_id: str) -> None:
    report = one(told, job_id)
    assert (report.nodes, report.started_at, report.used) == ("", None, {})
    assert report.ended_at is not None


def test_members_each_on_a_line(told: Reports) -> None:
    members = one(told, "10").members
    assert {
        index: member.outcome and member.outcome.status for index, member in members.items()
    } == {
        1: 1,
        2: 2,
        4: 4,
    }


def test_a_member_without_a_record_was_cancelled_before_it_began(told: Reports) -> None:
    others = one(told, "10").outcome
    assert others is not None
    assert (others.kind, others.exit_status) == (OutcomeKind.CANCELLED, 130)


def test_where_one_of_them_may_have_begun_nothing_is_said_of_the_others() -> None:
    begun = "10_3|RUNNING|0:0|None|normal|n1|2026-11-29T00:42:34|2026-11-29T00:42:37|Unknown|1:00\n"
    said = Answer(SACCT.read_text() + begun, "", 0)
    found, _ = converse(Slurm().query(["10"]), FORGOTTEN, said)
    assert one(found, "10").outcome is None
    assert sorted(one(found, "10").members) == [1, 2, 4]


def test_members_that_never_began_are_one_line(told: Reports) -> None:
    members = one(told, "12").members
    assert sorted(members) == list(range(1, 201))
    began = [index for index, member in members.items() if member.started_at is not None]
    assert began == [1]


@pytest.mark.parametrize("job_id", ["11", "14", "15", "16"])
def test_what_is_not_told(told: Reports, job_id: str) -> None:
    """Members that are cut off; a job that runs again; one that has no ending; one that is not."""
    assert told[job_id] is None


def test_where_sacct_fails_what_the_controller_knows_still_counts() -> None:
    found, _ = converse(Slurm().query(["5", "16"]), Answer(HELD, "", 0), DOWN)
    assert list(found) == ["16"]
    assert one(found, "16").state is JobState.HELD


def test_where_nothing_else_is_known_it_is_told_that_sacct_fails() -> None:
    with pytest.raises(SchedulerError, match="sacct failed: .*Connection refused"):
        converse(Slurm().query(["5", "6"]), FORGOTTEN, DOWN)
