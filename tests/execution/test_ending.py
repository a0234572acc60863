"""One kind for every ending, and none of them guessed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from qxub.execution.ending import WORST_FIRST, told_by_scheduler, told_by_script, worst
from qxub.execution.run_directory import PRIVATE, JobFiles
from qxub.job import Outcome, OutcomeKind

if TYPE_CHECKING:
    from pathlib import Path

KINDS_BEFORE_A_JOB = {
    OutcomeKind.USAGE,
    OutcomeKind.REFUSED,
    OutcomeKind.CONFIG,
    OutcomeKind.SCHEDULER_UNAVAILABLE,
    OutcomeKind.CONNECTION,
}


def completed(status: int) -> Outcome:
    return Outcome(OutcomeKind.COMPLETED, status=status, job_id="1")


def signalled(number: int) -> Outcome:
    return Outcome(OutcomeKind.SIGNALLED, signal=number, job_id="1")


def of_kind(kind: OutcomeKind) -> Outcome:
    return Outcome(kind, job_id="1", detail="in its words")


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    made = JobFiles(tmp_path)
    made.create(PRIVATE, ())
    return made


def leave(files: JobFiles, status: str | None, *, started: bool = True) -> None:
    if started:
        (files.path / "started").touch()
    if status is not None:
        (files.path / "status").write_text(f"{status}\n")


@pytest.mark.parametrize(
    ("status", "kind", "exit_status"),
    [
        ("exit 0", OutcomeKind.COMPLETED, 0),
        ("exit 255", OutcomeKind.COMPLETED, 255),
        ("signal 9", OutcomeKind.SIGNALLED, 137),
        ("setup loading the modules", OutcomeKind.SETUP_FAILED, 71),
        ("post exit 5", OutcomeKind.POST_FAILED, 73),
        ("lost", OutcomeKind.LOST, 75),
        ("exit", OutcomeKind.LOST, 75),
        ("exit many", OutcomeKind.LOST, 75),
        ("exit 256", OutcomeKind.LOST, 75),
        ("exit -1", OutcomeKind.LOST, 75),
        ("signal 0", OutcomeKind.LOST, 75),
        ("other 0", OutcomeKind.LOST, 75),
    ],
)
def test_what_the_script_wrote(
    files: JobFiles, status: str, kind: OutcomeKind, exit_status: int
) -> None:
    leave(files, status)
    ending = files.ending()
    assert ending is not None
    outcome = told_by_script(ending, files, "1")
    assert (outcome.kind, outcome.exit_status, outcome.job_id) == (kind, exit_status, "1")


def test_a_failed_step_shows_its_words_and_where_the_rest_is(files: JobFiles) -> None:
    leave(files, "setup loading the modules")
    files.setup_log.write_text("no module named x\n")
    ending = files.ending()
    assert ending is not None
    assert told_by_script(ending, files, "1").detail == (
        f"loading the modules failed\nno module named x\nSee {files.setup_log}."
    )


def test_a_failed_step_that_said_nothing_there_does_not_show_an_empty_file(files: JobFiles) -> None:
    """The line of --pre has the job's streams, so its words were seen already."""
    leave(files, "setup the line of --pre")
    ending = files.ending()
    assert ending is not None
    assert told_by_script(ending, files, "1").detail == "the line of --pre failed"


CANCELLED = of_kind(OutcomeKind.CANCELLED)
WALLTIME = of_kind(OutcomeKind.WALLTIME_EXCEEDED)
MEMORY = of_kind(OutcomeKind.OUT_OF_MEMORY)
LOST = of_kind(OutcomeKind.LOST)


@pytest.mark.parametrize(
    ("status", "said", "cancelled", "expected"),
    [
        # The script was told to end: why, the scheduler knows.
        ("exit 0\nterminated", WALLTIME, False, WALLTIME),
        ("signal 15\nterminated", CANCELLED, True, CANCELLED),
        ("exit 3\nterminated", LOST, False, LOST),
        # It does not say so: then the TERM was somebody else's, and the status counts.
        ("exit 3\nterminated", completed(3), False, completed(3)),
        ("signal 15\nterminated", completed(143), False, signalled(15)),
        ("exit 3\nterminated", None, False, completed(3)),
        # It has forgotten the job; that we cancelled it this side has not.
        ("exit 3\nterminated", None, True, Outcome(OutcomeKind.CANCELLED, job_id="1")),
        (None, None, True, Outcome(OutcomeKind.CANCELLED, job_id="1")),
        # The command was killed: by whom, the scheduler may know.
        ("signal 9", MEMORY, False, MEMORY),
        ("exit 137", MEMORY, False, MEMORY),
        ("exit 137", completed(137), False, completed(137)),
        ("signal 9", None, True, signalled(9)),  # before our cancellation
        # The status came late, after the scheduler's word.
        ("exit 3", completed(0), False, completed(3)),
        # There is none: the scheduler's words, where they can only mean one thing.
        (None, WALLTIME, False, WALLTIME),
        (None, signalled(9), False, signalled(9)),
        (None, completed(0), False, completed(0)),
        (None, completed(70), False, completed(70)),
    ],
)
def test_what_the_scheduler_knows_of_a_job_that_ran(
    files: JobFiles, status: str | None, said: Outcome | None, cancelled: bool, expected: Outcome
) -> None:
    leave(files, status)
    assert told_by_scheduler(said, files, "1", cancelled=cancelled) == expected


@pytest.mark.parametrize("said", [None, completed(71), completed(73), completed(143)])
def test_without_a_status_what_may_be_the_script_s_own_is_lost(
    files: JobFiles, said: Outcome | None
) -> None:
    leave(files, None)
    outcome = told_by_scheduler(said, files, "1", cancelled=False)
    assert outcome.kind is OutcomeKind.LOST
    assert "left no status" in outcome.detail


@pytest.mark.parametrize("said", [completed(0), completed(1), signalled(9)])
def test_a_script_that_never_began_has_not_completed(files: JobFiles, said: Outcome) -> None:
    leave(files, None, started=False)
    outcome = told_by_scheduler(said, files, "1", cancelled=False)
    assert outcome.kind is OutcomeKind.LOST
    words = f"{said}, says the scheduler; but its script never began to run"
    assert outcome.detail == f"Job 1: {words}. What there is of it is in {files.path}."


def test_the_order_of_the_worst_has_every_kind_that_a_job_ends_with() -> None:
    assert set(WORST_FIRST) == set(OutcomeKind) - KINDS_BEFORE_A_JOB
    assert len(WORST_FIRST) == len(set(WORST_FIRST))


ENDINGS = [
    of_kind(OutcomeKind.LOST),
    of_kind(OutcomeKind.SETUP_FAILED),
    of_kind(OutcomeKind.OUT_OF_MEMORY),
    of_kind(OutcomeKind.WALLTIME_EXCEEDED),
    signalled(15),
    signalled(9),
    of_kind(OutcomeKind.CANCELLED),
    of_kind(OutcomeKind.POST_FAILED),
    completed(2),
    completed(1),
    completed(0),
]


@pytest.mark.parametrize(("bad", "better"), list(itertools.combinations(ENDINGS, 2)))
def test_the_worst_member_stands_for_the_array(bad: Outcome, better: Outcome) -> None:
    for members in ({1: bad, 2: better}, {1: better, 2: bad}):
        outcome = worst(members, "1")
        assert (outcome.kind, outcome.exit_status) == (bad.kind, bad.exit_status)


def test_the_array_s_outcome_names_the_member() -> None:
    lost = of_kind(OutcomeKind.LOST)
    for members, said in (
        ({1: completed(0), 3: lost, 5: lost}, "2 of 3 members ended so, such as member 3"),
        ({3: lost, 5: lost}, "all 2 members ended so, such as member 3"),
        ({1: completed(0), 3: lost}, "member 3"),
        ({3: lost}, "member 3"),
    ):
        detail = f"{said} of the array: in its words"
        assert worst(members, "1") == Outcome(OutcomeKind.LOST, job_id="1", detail=detail)
