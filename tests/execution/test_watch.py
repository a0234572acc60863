"""One query in an interval, whoever waits: for all of a user's processes on a host."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Callable

import pytest

from qxub.errors import SchedulerError
from qxub.execution.followed import LEASE
from qxub.execution.shared_answer import answered
from qxub.execution.watch import Watch
from qxub.job import JobState, Outcome, OutcomeKind
from qxub.scheduler.base import JobReport
from tests.execution import watchers
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = runs_jobs  # they are followed where they run
INTERVAL = 0.2


class Recorder:
    """A scheduler that notes what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.reports: dict[str, JobReport | None] = {}
        self.failure = ""

    def __call__(self, job_ids: Sequence[str]) -> dict[str, JobReport | None]:
        self.calls.append(list(job_ids))
        if self.failure:
            raise SchedulerError(self.failure)
        return {job: self.reports[job] for job in job_ids if job in self.reports}


@pytest.fixture
def scheduler() -> Recorder:
    return Recorder()


def look_until(watch: Watch, condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        watch.look()
        time.sleep(0.01)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_thousand_followed_jobs_cost_one_query_an_interval(tmp_path: Path) -> None:
    seconds, count = 8, 250
    words = [sys.executable, watchers.__file__]
    processes = [
        subprocess.Popen([*words, str(tmp_path), str(first), str(count), str(seconds)])
        for first in range(0, 1000, count)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    calls = sorted(float(path.read_text()) for path in tmp_path.glob("calls.*"))
    assert len(calls) >= 3
    # What the command takes to start makes single pauses look shorter, or longer.
    assert calls[-1] - calls[0] > (len(calls) - 1) * watchers.INTERVAL * 0.95
    assert list((tmp_path / "watch" / "followed").iterdir()) == []


def test_every_report_arrives_whole_in_the_other_process(
    tmp_path: Path, scheduler: Recorder
) -> None:
    member = JobReport(JobState.ENDED, Outcome(OutcomeKind.SIGNALLED, signal=9, job_id="1[].s"))
    known = JobReport(
        JobState.SUSPENDED,
        reason='a "reason"\nof two lines',
        starts_at=1.5,
        queue="q",
        nodes="n[1-2]",
        submitted_at=1.0,
        used={"cput": "00:00:01"},
        members={3: member},
    )
    scheduler.reports = {"1[].s": known, "2.s": None}
    asking = Watch(tmp_path, "1[].s", scheduler, INTERVAL)
    reading = [Watch(tmp_path, job, scheduler, 1e6) for job in ("1[].s", "2.s")]
    look_until(asking, lambda: asking.is_answered)
    for watch in reading:
        look_until(watch, lambda watch=watch: watch.is_answered)  # type: ignore[misc]
    assert [watch.report for watch in reading] == [known, None]
    assert scheduler.calls == [["1[].s", "2.s"]]


def test_a_job_that_is_followed_later_is_not_unknown(tmp_path: Path, scheduler: Recorder) -> None:
    first = Watch(tmp_path, "1", scheduler, INTERVAL)
    scheduler.reports = {"1": JobReport(JobState.RUNNING)}
    look_until(first, lambda: first.is_answered)
    second = Watch(tmp_path, "2", scheduler, 1e6)
    assert not second.look()
    assert not second.is_answered
    scheduler.reports["2"] = None
    look_until(first, lambda: second.look() or second.is_answered)
    assert second.report is None


def test_nobody_is_asked_before_the_interval_unless_it_cannot_wait(
    tmp_path: Path, scheduler: Recorder
) -> None:
    watch = Watch(tmp_path, "1", scheduler, 1e6)
    scheduler.reports = {"1": None}
    for _ in range(20):
        watch.look()
        time.sleep(0.01)
    assert scheduler.calls == []
    urgent = Watch(tmp_path, "1", scheduler, 0.5)
    deadline = time.monotonic() + 30
    while not urgent.is_answered and time.monotonic() < deadline:
        urgent.look(at_most=60)
        time.sleep(0.01)
    assert scheduler.calls == [["1"]]
    urgent.look(at_most=60)
    assert len(scheduler.calls) == 1


def test_what_cannot_wait_is_asked_at_once_but_not_for_ever(
    tmp_path: Path, scheduler: Recorder
) -> None:
    """As where a thousand jobs meet their walltimes, each at its own time."""
    watch = Watch(tmp_path, "1", scheduler, 1.0)
    scheduler.reports = {"1": JobReport(JobState.RUNNING)}
    begun = time.monotonic()
    look_until(watch, lambda: watch.look(at_most=0.01) or len(scheduler.calls) == 3)
    assert time.monotonic() - begun < 2
    while time.monotonic() - begun < 6:
        watch.look(at_most=0.01)
        time.sleep(0.01)
    assert 5 <= len(scheduler.calls) <= 3 + (time.monotonic() - begun)


def test_a_scheduler_that_does_not_answer_takes_nothing_back(
    tmp_path: Path, scheduler: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    scheduler.reports = {"1": JobReport(JobState.RUNNING)}
    look_until(watch, lambda: watch.is_answered)
    scheduler.failure = "the server is down"
    look_until(watch, lambda: "asking for job 1 failed: the server is down" in caplog.text)
    assert watch.report == JobReport(JobState.RUNNING)
    asked = len(scheduler.calls)
    scheduler.failure = ""
    scheduler.reports = {"1": None}
    look_until(watch, lambda: watch.report is None)
    assert len(scheduler.calls) > asked


def test_a_scheduler_that_is_down_is_told_of_once_and_not_pressed(
    tmp_path: Path, scheduler: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(tmp_path, "1", scheduler, 0.5)
    scheduler.failure = "the server is down"
    end = time.monotonic() + 4
    while time.monotonic() < end:
        watch.look(at_most=0.01)
        time.sleep(0.01)
    assert 3 <= len(scheduler.calls) <= 9
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


def test_an_answer_of_before_is_of_another_job(tmp_path: Path, scheduler: Recorder) -> None:
    """As where a new queue begins its numbers anew."""
    before = Watch(tmp_path, "1", scheduler, INTERVAL)
    scheduler.reports = {"1": None}
    look_until(before, lambda: before.is_answered)
    before.close()
    watch = Watch(tmp_path, "1", scheduler, 1e6)
    assert not watch.look()
    assert not watch.is_answered


def test_an_answer_of_a_time_to_come_is_of_another_job(tmp_path: Path, scheduler: Recorder) -> None:
    """As from before the machine was started again."""
    ended = Outcome(OutcomeKind.COMPLETED, status=0)
    content = answered(time.monotonic() + 1e6, 0, {"1": JobReport(JobState.ENDED, ended)})
    (tmp_path / "answer").write_bytes(content)
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    assert not watch.look()
    assert not watch.is_answered
    scheduler.reports = {"1": JobReport(JobState.RUNNING)}
    look_until(watch, lambda: watch.is_answered)
    assert watch.report == JobReport(JobState.RUNNING)


@pytest.mark.parametrize("torn", [b"1 ", b"1 nul", b'1 {"state": "RUN\n', b"1 []\n", b"1 \xff\n"])
def test_a_torn_report_is_passed_over(tmp_path: Path, scheduler: Recorder, torn: bytes) -> None:
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    (tmp_path / "answer").write_bytes(answered(time.monotonic(), 0, {}) + torn)
    assert not watch.look()
    scheduler.reports = {"1": None}
    look_until(watch, lambda: watch.is_answered)


def test_who_was_stopped_while_it_asked_does_not_hold_up_the_others(
    tmp_path: Path, scheduler: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qxub.execution.watch.ABANDONED", 1.0)
    stopped = threading.Event()

    def ask(job_ids: Sequence[str]) -> dict[str, JobReport | None]:
        stopped.wait(60)
        return scheduler(job_ids)

    asking = Watch(tmp_path, "1", ask, INTERVAL)
    look_until(asking, (tmp_path / "answer").exists)
    watch = Watch(tmp_path, "2", scheduler, INTERVAL)
    scheduler.reports = {"1": None, "2": None}
    look_until(watch, lambda: watch.is_answered)
    assert scheduler.calls[0] == ["1", "2"]
    scheduler.reports["2"] = JobReport(JobState.RUNNING)
    look_until(watch, lambda: watch.report is not None)  # and go on asking
    published = (tmp_path / "answer").stat().st_mtime_ns
    scheduler.reports = {"2": None}
    watch.close()
    stopped.set()  # what it was told in the meantime is old by now
    time.sleep(1)
    assert (tmp_path / "answer").stat().st_mtime_ns == published


def test_a_clock_that_jumps_neither_ends_the_asking_nor_hurries_it(
    tmp_path: Path, scheduler: Recorder
) -> None:
    scheduler.reports = {"1": None, "2": None}
    watches = {job: Watch(tmp_path, job, scheduler, 0.5) for job in ("1", "2")}
    begun = time.monotonic()
    for jump in (7200, -7200):
        for job, watch in watches.items():
            notice = tmp_path / "followed" / job
            notice.touch()
            os.utime(notice, (time.time() - jump, time.time() - jump))
            watch.is_answered = False
        for watch in watches.values():
            both = [each.look for each in watches.values()]
            look_until(watch, lambda w=watch, b=both: [look() for look in b] and w.is_answered)  # type: ignore[misc]
    assert len(scheduler.calls) <= (time.monotonic() - begun) / 0.5 + 1


def test_a_process_that_dies_while_it_asks_leaves_no_lock(
    tmp_path: Path, scheduler: Recorder
) -> None:
    script = f"""
import time
from pathlib import Path
from qxub.execution.watch import Watch
def ask(job_ids):
    print("asking", flush=True)
    time.sleep(600)
watch = Watch(Path({str(tmp_path)!r}), "1", ask, {INTERVAL})
while True:
    watch.look()
    time.sleep(.01)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"asking"
        watch = Watch(tmp_path, "2", scheduler, INTERVAL)
        for _ in range(100):
            watch.look()
            time.sleep(0.01)
        assert scheduler.calls == []
        process.kill()
    scheduler.reports = {"2": None}
    look_until(watch, lambda: watch.is_answered)
    assert scheduler.calls == [["1", "2"]]


def test_a_job_that_nobody_follows_any_more_is_not_asked_for(
    tmp_path: Path, scheduler: Recorder
) -> None:
    Watch(tmp_path, "dead", scheduler, INTERVAL)
    long_ago = time.time() - LEASE - 1
    os.utime(tmp_path / "followed" / "dead", (long_ago, long_ago))
    Watch(tmp_path, "of tomorrow", scheduler, INTERVAL)
    tomorrow = time.time() + 86400
    os.utime(tmp_path / "followed" / "of%20tomorrow", (tomorrow, tomorrow))
    closed = Watch(tmp_path, "closed", scheduler, INTERVAL)
    closed.close()
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    scheduler.reports = {"1": None}
    look_until(watch, lambda: watch.is_answered)
    assert scheduler.calls == [["1"]]


def test_a_job_whose_notice_was_lost_is_noted_again(tmp_path: Path, scheduler: Recorder) -> None:
    watch = Watch(tmp_path, "1", scheduler, 1e6)
    (tmp_path / "followed" / "1").unlink()
    other = Watch(tmp_path, "2", scheduler, INTERVAL)
    scheduler.reports = {"1": None, "2": None}
    look_until(other, lambda: watch.look() or watch.is_answered)
    assert scheduler.calls[0] == ["2"]
    assert scheduler.calls[-1] == ["1", "2"]


def test_what_cannot_be_shared_is_known_all_the_same(
    tmp_path: Path, scheduler: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qxub")
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    (tmp_path / "answer.part" / "in the way").mkdir(parents=True)
    scheduler.reports = {"1": JobReport(JobState.HELD)}
    look_until(watch, lambda: watch.is_answered)
    assert watch.report == JobReport(JobState.HELD)
    assert "cannot write" in caplog.text


@pytest.mark.parametrize("is_file", [False, True])
def test_where_there_can_be_no_directory_each_asks_for_itself(
    tmp_path: Path, scheduler: Recorder, is_file: bool
) -> None:
    """As where root has made it, by a sudo that keeps HOME."""
    if is_file:
        (tmp_path / "watch").touch()
    else:
        (tmp_path / "watch").symlink_to("nowhere")
    scheduler.reports = {"1": JobReport(JobState.HELD)}
    watch = Watch(tmp_path / "watch" / "x", "1", scheduler, INTERVAL)
    look_until(watch, lambda: watch.is_answered)
    watch.close()
    assert scheduler.calls[0] == ["1"]


@pytest.mark.parametrize("content", [b"", b"torn {", b'{"format": 0}\n', b"[]\n", b"\xff\n"])
def test_an_answer_that_is_none_is_passed_over(
    tmp_path: Path, scheduler: Recorder, content: bytes
) -> None:
    (tmp_path / "answer").write_bytes(content)
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    scheduler.reports = {"1": None}
    look_until(watch, lambda: watch.is_answered)
    assert watch.report is None


def test_it_is_private(tmp_path: Path, scheduler: Recorder) -> None:
    watch = Watch(tmp_path / "watch", "1", scheduler, INTERVAL)
    scheduler.reports = {"1": None}
    look_until(watch, lambda: watch.is_answered)
    assert mode(tmp_path / "watch") == 0o700
    assert mode(tmp_path / "watch" / "followed") == 0o700
    assert mode(tmp_path / "watch" / "answer") == 0o600


def test_a_slow_scheduler_does_not_hold_up_the_follower(
    tmp_path: Path, scheduler: Recorder
) -> None:
    release = threading.Event()

    def ask(job_ids: Sequence[str]) -> dict[str, JobReport | None]:
        release.wait(30)
        return scheduler(job_ids)

    watch = Watch(tmp_path, "1", ask, INTERVAL)
    scheduler.reports = {"1": None}
    longest = 0.0
    for _ in range(100):
        before = time.monotonic()
        watch.look()
        longest = max(longest, time.monotonic() - before)
        time.sleep(0.01)
    assert longest < 1
    release.set()
    look_until(watch, lambda: watch.is_answered)


def test_without_a_thread_to_ask_in_the_following_goes_on(
    tmp_path: Path, scheduler: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a user's thousand processes have used up all threads that a login node gives."""
    caplog.set_level(logging.INFO, "qxub")
    watch = Watch(tmp_path, "1", scheduler, INTERVAL)
    scheduler.reports = {"1": None}
    before = threading.stack_size(1 << 46)  # which no machine has
    try:
        look_until(watch, lambda: "can't start new thread" in caplog.text)
        assert scheduler.calls == []
    finally:
        threading.stack_size(before)
    look_until(watch, lambda: watch.is_answered)


def test_what_is_wrong_in_the_asking_is_not_swallowed(tmp_path: Path) -> None:
    def ask(job_ids: Sequence[str]) -> dict[str, JobReport | None]:
        raise AssertionError(job_ids)

    watch = Watch(tmp_path, "1", ask, INTERVAL)
    with pytest.raises(AssertionError, match="1"):
        look_until(watch, lambda: False)
