"""Following a job whose scheduler says what no real one says when it is asked to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from qxub.execution import canceller, follow
from qxub.job import ArrayRange, JobState, Outcome, OutcomeKind
from qxub.scheduler.base import JobReport
from tests.execution.scripted import JOB_ID, ScriptedRun
from tests.posix import runs_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_jobs


def ended(outcome: Outcome | None = None, **details: object) -> JobReport:
    return JobReport(JobState.ENDED, outcome, **details)  # type: ignore[arg-type]


@pytest.fixture
def run(tmp_path: Path) -> ScriptedRun:
    return ScriptedRun(tmp_path)


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FILE_GRACE", 0.5)


def test_bytes_come_within_a_second_of_being_there(run: ScriptedRun) -> None:
    run.starts(out=b"first")
    run.begin()
    wait_until(lambda: run.observer.out == b"first")
    time.sleep(1)  # by now the looks are as far apart as they get
    run.writes(b", second", b"err")
    before = time.monotonic()
    wait_until(lambda: run.observer.out == b"first, second" and run.observer.err)
    assert time.monotonic() - before < 1
    run.ends("exit 4")
    assert run.outcome() == Outcome(OutcomeKind.COMPLETED, status=4, job_id=JOB_ID)


def test_a_short_job_costs_no_query(run: ScriptedRun) -> None:
    run.scheduler.query_interval = 60
    run.starts()
    run.ends("exit 0")
    run.begin()
    assert run.outcome().status == 0
    assert run.scheduler.calls == 0


def test_every_change_of_state_is_told_once(run: ScriptedRun) -> None:
    tell = run.scheduler.says
    seen = run.observer.events
    tell(JobReport(JobState.QUEUED, reason="Priority", queue="normal"))
    run.begin()
    wait_until(lambda: len(seen) == 1)
    tell(JobReport(JobState.QUEUED, reason="Resources", starts_at=1e9, queue="normal"))
    wait_until(lambda: len(seen) == 2)
    tell(JobReport(JobState.HELD, reason="JobHeldUser"))
    wait_until(lambda: len(seen) == 3)
    tell(JobReport(JobState.RUNNING))
    wait_until(lambda: len(seen) == 4)
    run.starts()
    tell(JobReport(JobState.SUSPENDED))
    wait_until(lambda: len(seen) == 5)
    tell(JobReport(JobState.RUNNING, nodes="n1", queue="normal", used={"cput": "1"}))
    wait_until(lambda: len(seen) == 6)
    run.ends("exit 0")
    run.outcome()
    times = {name: f"{time:.0f}" for name, time in run.run.files().times().items()}
    assert sorted(times) == ["ended_at", "started_at"]
    assert seen == [
        ("queued", {"reason": "Priority", "queue": "normal"}),
        ("queued", {"reason": "Resources", "starts_at": "1000000000", "queue": "normal"}),
        ("held", {"reason": "JobHeldUser"}),
        ("started", {}),
        ("suspended", {}),
        ("resumed", {}),
        ("ended", {"queue": "normal", "node": "n1", "used": '{"cput": "1"}', **times}),
    ]


@pytest.mark.usefixtures("short_grace")
def test_a_job_that_is_gone_without_a_status_is_lost(run: ScriptedRun) -> None:
    run.scheduler.says(None)
    run.starts(out=b"last words")
    run.begin()
    assert run.outcome().kind is OutcomeKind.LOST
    assert run.observer.out == b"last words"


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("torn", ["", "exi", "exit 2"])
def test_a_status_file_that_is_torn_says_nothing(run: ScriptedRun, torn: str) -> None:
    run.scheduler.says(ended(Outcome(OutcomeKind.COMPLETED, status=25)))
    run.starts()
    (run.run.path / "status").write_text(torn)
    run.begin()
    assert run.outcome().status == 25


@pytest.mark.usefixtures("short_grace")
def test_a_scheduler_that_has_forgotten_the_job_once_is_asked_again(run: ScriptedRun) -> None:
    run.scheduler.says(None)
    run.scheduler.query_interval = 2
    run.starts()
    run.begin()
    wait_until(lambda: run.scheduler.calls == 1)
    time.sleep(follow.FILE_GRACE)
    run.scheduler.says(JobReport(JobState.RUNNING))
    wait_until(lambda: run.scheduler.calls >= 3)
    run.ends("exit 0")
    assert run.outcome().status == 0


def test_a_job_that_is_forgotten_while_it_is_being_deleted_is_cancelled(run: ScriptedRun) -> None:
    """As by a PBS without a history."""
    run.scheduler.says(JobReport(JobState.RUNNING, Outcome(OutcomeKind.CANCELLED, job_id=JOB_ID)))
    run.starts()
    run.ends("signal 15\nterminated")
    run.begin()
    wait_until(lambda: run.scheduler.calls >= 3)  # so the first answer has been taken
    run.scheduler.says(None)
    assert run.outcome().kind is OutcomeKind.CANCELLED


def test_a_status_that_is_seen_late_counts(run: ScriptedRun) -> None:
    run.scheduler.says(None)
    run.starts()
    run.begin()
    wait_until(lambda: run.scheduler.calls)
    time.sleep(1)
    run.ends("exit 5")
    assert run.outcome().status == 5


@pytest.mark.usefixtures("short_grace")
def test_an_ending_of_which_nothing_is_said_is_lost(run: ScriptedRun) -> None:
    run.scheduler.says(ended())
    run.begin()
    assert run.outcome().kind is OutcomeKind.LOST


@pytest.mark.usefixtures("short_grace")
def test_a_job_that_completed_without_ever_starting_is_lost(run: ScriptedRun) -> None:
    run.scheduler.says(ended(Outcome(OutcomeKind.COMPLETED, status=0)))
    run.begin()
    outcome = run.outcome()
    assert (outcome.kind, outcome.exit_status) == (OutcomeKind.LOST, 75)


def test_a_scheduler_that_is_down_ends_nothing(run: ScriptedRun) -> None:
    run.scheduler.says(JobReport(JobState.RUNNING))
    run.begin()
    wait_until(lambda: run.observer.events)
    run.scheduler.is_down()
    run.starts()
    calls = run.scheduler.calls
    wait_until(lambda: run.scheduler.calls >= calls + 3)
    run.ends("exit 0")
    assert run.outcome().status == 0


def test_why_a_job_was_told_to_end_the_scheduler_is_asked_at_once(run: ScriptedRun) -> None:
    run.scheduler.query_interval = 3600
    walltime = Outcome(OutcomeKind.WALLTIME_EXCEEDED, job_id=JOB_ID)
    run.scheduler.says(ended(walltime))
    run.starts()
    run.ends("exit 0\nterminated")
    run.begin()
    assert run.outcome() == walltime
    assert run.scheduler.calls == 1


@pytest.mark.parametrize("status", ["signal 9", "exit 137"])
def test_why_a_command_was_killed_the_scheduler_is_asked_at_once(
    run: ScriptedRun, status: str
) -> None:
    run.scheduler.query_interval = 3600
    memory = Outcome(OutcomeKind.OUT_OF_MEMORY, job_id=JOB_ID)
    run.scheduler.says(ended(memory))
    run.starts()
    run.ends(status)
    run.begin()
    assert run.outcome() == memory


def test_a_cancel_that_is_refused_is_tried_again_and_the_end_is_the_job_s(
    run: ScriptedRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(canceller, "RETRY_INTERVAL", 0.2)
    run.scheduler.says(JobReport(JobState.RUNNING))
    run.scheduler.on_cancel = f"echo >>{run.run.path}/cancels; echo 'not you' >&2; exit 1"
    run.starts()
    run.begin()
    wait_until(lambda: run.observer.events)
    run.cancelled.set()
    attempts = run.run.path / "cancels"
    wait_until(lambda: attempts.exists() and len(attempts.read_text()) >= 3)
    run.ends("exit 6")
    assert run.outcome().status == 6
    assert [name for name, _ in run.observer.events] == ["started", "cancelling", "ended"]
    warnings = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert f"cancelling job {JOB_ID}: not you" in warnings


def test_a_cancel_that_was_accepted_and_had_no_effect_is_tried_again(
    run: ScriptedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a member of an array was just being started, or the server lost its last changes."""
    monkeypatch.setattr(canceller, "AGAIN", 0.5)
    run.scheduler.says(JobReport(JobState.RUNNING))
    attempts = run.run.path / "cancels"
    run.scheduler.on_cancel = f"echo >>{attempts}; [ $(wc -l <{attempts}) = 1 ]"
    run.starts()
    run.cancelled.set()
    run.begin()
    wait_until(lambda: attempts.exists() and len(attempts.read_text()) >= 2)
    run.scheduler.says(ended(Outcome(OutcomeKind.CANCELLED)))
    assert run.outcome().kind is OutcomeKind.CANCELLED


def test_output_goes_on_while_the_scheduler_is_frozen(run: ScriptedRun) -> None:
    run.scheduler.says(JobReport(JobState.RUNNING))
    run.scheduler.on_cancel = "sleep 5"
    run.starts(out=b"one")
    run.cancelled.set()
    run.begin()
    wait_until(lambda: run.observer.out == b"one")
    run.writes(b", two")
    before = time.monotonic()
    wait_until(lambda: run.observer.out == b"one, two")
    assert time.monotonic() - before < 2
    run.ends("exit 0")
    run.outcome()


def test_members_come_whole_one_after_the_other_by_index(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, ArrayRange(1, 5, 2))
    run.scheduler.says(JobReport(JobState.RUNNING))
    run.starts(5, out=b"5\n")
    run.ends("exit 2", 5)
    run.starts(1, out=b"1a ")
    run.begin()
    wait_until(lambda: run.observer.out == b"1a ")
    run.starts(3, out=b"3\n", err=b"e3\n")
    run.writes(b"1b\n", index=1)
    run.ends("exit 0", 1)
    wait_until(lambda: run.observer.out == b"1a 1b\n3\n")
    wait_until(lambda: run.observer.err == b"e3\n")
    run.ends("signal 11", 3)
    outcome = run.outcome()
    assert run.observer.out == b"1a 1b\n3\n5\n"
    assert (outcome.kind, outcome.signal) == (OutcomeKind.SIGNALLED, 11)
    members = [details for name, details in run.observer.events if name == "member"]
    assert [(m["index"], m["kind"], m["exit_status"]) for m in members] == [
        ("1", "completed", "0"),
        ("3", "signalled", "139"),
        ("5", "completed", "2"),
    ]


def test_members_of_which_only_the_scheduler_knows(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, ArrayRange(1, 200))
    cancelled = Outcome(OutcomeKind.CANCELLED, job_id=JOB_ID)
    memory = Outcome(OutcomeKind.OUT_OF_MEMORY, job_id=JOB_ID)
    members = {index: ended(cancelled) for index in range(1, 201)}
    members[150] = ended(memory, nodes="n7")
    run.scheduler.says(ended(members=members))
    run.begin()
    assert run.outcome().kind is OutcomeKind.OUT_OF_MEMORY
    kinds = [details for name, details in run.observer.events if name == "member"]
    assert len(kinds) == 200
    assert kinds[149]["node"] == "n7"


@pytest.mark.usefixtures("short_grace")
def test_what_is_said_of_members_that_never_began_is_not_true_of_one_that_did(
    tmp_path: Path,
) -> None:
    run = ScriptedRun(tmp_path, ArrayRange(1, 3))
    done = Outcome(OutcomeKind.COMPLETED, status=0, job_id=JOB_ID)
    others = Outcome(OutcomeKind.CANCELLED, job_id=JOB_ID)
    run.starts(1)
    run.ends("exit 0", 1)
    run.starts(3)
    run.scheduler.says(ended(others, members={1: ended(done)}))
    run.begin()
    assert run.outcome().kind is OutcomeKind.LOST
    members = [details["kind"] for name, details in run.observer.events if name == "member"]
    assert members == ["completed", "cancelled", "lost"]


@pytest.mark.usefixtures("short_grace")
def test_the_grace_for_status_files_is_waited_for_once_in_an_array(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, ArrayRange(1, 100))
    run.scheduler.says(None)
    before = time.monotonic()
    run.begin()
    assert run.outcome().kind is OutcomeKind.LOST
    assert time.monotonic() - before < 50 * follow.FILE_GRACE


def test_how_a_job_ended_is_not_forgotten_with_the_job(run: ScriptedRun) -> None:
    """As by a Slurm without accounting, MinJobAge after the end."""
    run.scheduler.says(ended(Outcome(OutcomeKind.SIGNALLED, signal=9), nodes="n7"))
    run.starts()
    run.begin()
    wait_until(lambda: run.scheduler.calls >= 3)  # so the first answer has been taken
    run.scheduler.says(None)
    assert str(run.outcome()) == str(Outcome(OutcomeKind.SIGNALLED, signal=9))
    name, details = run.observer.events[-1]
    assert (name, details["node"]) == ("ended", "n7")


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("cancelled", [False, True])
def test_how_a_member_ended_is_not_forgotten_before_its_turn(
    tmp_path: Path, cancelled: bool
) -> None:
    run = ScriptedRun(tmp_path, ArrayRange(1, 2))
    memory = Outcome(OutcomeKind.OUT_OF_MEMORY, job_id=JOB_ID)
    running = JobReport(JobState.RUNNING)
    run.scheduler.says(JobReport(JobState.RUNNING, members={1: running, 2: ended(memory)}))
    run.starts(1)
    run.starts(2)
    run.begin()
    wait_until(lambda: run.scheduler.calls >= 2)
    time.sleep(0.5)
    run.scheduler.says(JobReport(JobState.RUNNING, members={1: running}))
    calls = run.scheduler.calls
    wait_until(lambda: run.scheduler.calls >= calls + 3)
    if cancelled:
        run.cancelled.set()
        wait_until(lambda: ("cancelling", {}) in run.observer.events)
    run.ends("exit 0", 1)
    run.scheduler.says(None)
    assert run.outcome().kind is OutcomeKind.OUT_OF_MEMORY


def test_a_member_that_runs_again_has_not_ended(tmp_path: Path) -> None:
    """As where Slurm requeues one."""
    run = ScriptedRun(tmp_path, ArrayRange(1, 2))
    failed = Outcome(OutcomeKind.LOST, job_id=JOB_ID)
    running = JobReport(JobState.RUNNING)
    run.scheduler.says(JobReport(JobState.RUNNING, members={1: running, 2: ended(failed)}))
    run.starts(1)
    run.begin()
    wait_until(lambda: run.scheduler.calls >= 2)
    run.scheduler.says(JobReport(JobState.RUNNING, members={1: running, 2: running}))
    calls = run.scheduler.calls
    wait_until(lambda: run.scheduler.calls >= calls + 3)
    run.ends("exit 0", 1)
    time.sleep(1)
    run.ends("exit 3", 2)
    assert run.outcome().status == 3


def test_a_process_that_writes_for_ever_does_not_keep_the_job_from_ending(
    run: ScriptedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that has left the job's session, where the scheduler does not find it."""
    handed_on = []

    def take_and_write_more(data: bytes) -> None:
        handed_on.append(len(data))
        run.writes(data)
        time.sleep(0.01)

    monkeypatch.setattr(run.observer, "stdout", take_and_write_more)
    run.starts(out=bytes(1 << 17))
    run.ends("exit 3")
    run.begin()
    assert run.outcome().status == 3
    assert sum(handed_on) >= 1 << 17


def test_a_run_directory_that_is_away_for_a_moment_costs_nothing(run: ScriptedRun) -> None:
    """As where an automounter, or a file server, is started again."""
    run.starts(out=b"one")
    run.begin()
    wait_until(lambda: run.observer.out == b"one")
    away = run.run.path.rename(run.run.path.with_name("away"))
    time.sleep(1)
    away.rename(run.run.path)
    run.writes(b", two")
    run.ends("exit 3")
    assert run.outcome().status == 3
    assert run.observer.out == b"one, two"


def test_a_run_directory_that_is_gone_ends_the_following(
    run: ScriptedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "ABSENCE", 0.5)
    run.starts()
    run.run.path.rename(run.run.path.with_name("away"))
    with pytest.raises(FileNotFoundError):
        run.follow()
