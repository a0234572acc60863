"""Follow a submitted job to its end: its bytes as they come, and one true outcome."""

from __future__ import annotations

import logging
import random
import time
from io import FileIO
from typing import TYPE_CHECKING, Callable

from qxub.errors import SchedulerError
from qxub.execution.commands import run_command
from qxub.execution.query import ask
from qxub.job import JobState, Outcome, OutcomeKind

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from qxub.execution.run_directory import Ending
    from qxub.execution.submit import SubmittedJob
    from qxub.run import RunObserver
    from qxub.scheduler.base import JobReport

SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 0.25
"""seconds between two looks at the run's files"""
FILE_GRACE = 5.0
"""seconds that a status file may take to show on a shared file system after the job's end"""
ENDING_INTERVAL = 5.0
"""seconds between two queries at the most, while only the scheduler can tell how the job ended"""
PIECE = 1 << 16

log = logging.getLogger(__name__)


class _Tail:
    """Hands on what is appended to a file."""

    def __init__(self, path: Path, sink: Callable[[bytes], None]) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._sink = sink

    def forward(self) -> bool:
        """Hand on all that is there; return whether there was anything."""
        found = False
        if self._file is None:
            try:
                self._file = FileIO(self._path)
            except FileNotFoundError:  # the job script makes the user's own files
                return False
        while piece := self._file.read(PIECE):
            self._sink(piece)
            found = True
        return found

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Follower:
    """The state of following one job."""

    def __init__(
        self, job: SubmittedJob, observer: RunObserver, cancelled: threading.Event
    ) -> None:
        self._job = job
        self._observer = observer
        self._cancelled = cancelled
        self._cancel_sent = False
        self._next_cancel = 0.0
        self._started = False
        self._ending: Ending | None = None
        self._ended_since: float | None = None
        self._next_query = time.monotonic() + job.scheduler.query_interval

    def step(self) -> Outcome | None:
        """Look once; return the outcome when it is known."""
        self._note_start()
        self._cancel_if_asked()
        if self._ending is None:
            self._ending = self._job.run.files().ending()
            if self._ending is not None and self._ending.terminated:
                self._next_query = time.monotonic()
        if self._ending is not None and not self._ending.terminated:
            return self._told_by_script(self._ending)
        if time.monotonic() < self._next_query:
            return None
        return self._told_by_scheduler()

    def _note_start(self) -> None:
        if not self._started and self._job.run.files().has_started():
            self._started = True
            self._observer.event("started", job_id=self._job.job_id)

    def _cancel_if_asked(self) -> None:
        if not self._cancelled.is_set() or self._cancel_sent:
            return
        now = time.monotonic()
        if now < self._next_cancel:
            return
        self._observer.event("cancelling", job_id=self._job.job_id)
        self._next_cancel = now + ENDING_INTERVAL
        self._next_query = now
        try:
            answer = run_command(self._job.scheduler.cancel(self._job.job_id))
        except SchedulerError as error:
            log.warning("cancelling job %s failed: %s", self._job.job_id, error.message)
            return
        self._cancel_sent = answer.status == 0
        if not self._cancel_sent:  # the server is down, or the job has just ended: try, and ask
            log.info("cancelling job %s: %s", self._job.job_id, answer.stderr.strip())

    def _told_by_script(self, ending: Ending) -> Outcome:
        job_id = self._job.job_id
        if ending.word == "setup":
            detail = f"{ending.detail} failed\n{self._job.run.files().setup_words()}".rstrip()
            return Outcome(OutcomeKind.SETUP_FAILED, job_id=job_id, detail=detail)
        if ending.word == "post":
            detail = f"the command succeeded, but --post ended with {ending.detail}"
            return Outcome(OutcomeKind.POST_FAILED, job_id=job_id, detail=detail)
        if ending.word == "lost":
            detail = "the job script lost sight of the command"
            return Outcome(OutcomeKind.LOST, job_id=job_id, detail=detail)
        number = int(ending.detail)
        if ending.word == "signal":
            return Outcome(OutcomeKind.SIGNALLED, signal=number, job_id=job_id)
        return Outcome(OutcomeKind.COMPLETED, status=number, job_id=job_id)

    def _told_by_scheduler(self) -> Outcome | None:
        report, answered = self._query()
        if not answered or (report is not None and report.state is not JobState.ENDED):
            return None
        said = report.outcome if report is not None else None
        if self._ending is not None:
            return self._told_by_both(self._ending, said)
        now = time.monotonic()
        if self._ended_since is None:
            self._ended_since = now
        if _script_may_know_more(said) and now - self._ended_since < FILE_GRACE:
            self._next_query = self._ended_since + FILE_GRACE
            return None
        return said or Outcome(
            OutcomeKind.LOST,
            job_id=self._job.job_id,
            detail=f"{self._job.scheduler.name} no longer knows the job, and it left no status",
        )

    def _told_by_both(self, ending: Ending, said: Outcome | None) -> Outcome:
        """Return how a job ended whose script was told to end: why, only the scheduler knows."""
        if said is not None and not _script_may_know_more(said):
            return said
        if said is None and self._cancel_sent:  # the scheduler has forgotten it; this side has not
            return Outcome(OutcomeKind.CANCELLED, job_id=self._job.job_id)
        return self._told_by_script(ending)

    def _query(self) -> tuple[JobReport | None, bool]:
        """Ask the scheduler; the second value tells whether it gave an answer at all."""
        scheduler, job_id = self._job.scheduler, self._job.job_id
        interval = scheduler.query_interval
        if self._cancel_sent or self._ending is not None or self._ended_since is not None:
            interval = min(interval, ENDING_INTERVAL)
        self._next_query = time.monotonic() + interval * random.uniform(1, 1.25)  # noqa: S311
        try:
            reports = ask(scheduler, [job_id])
        except SchedulerError as error:
            # A scheduler that is down now says nothing about the job: ask again later.
            log.warning("asking for job %s failed: %s", job_id, error.message)
            return None, False
        return reports.get(job_id), job_id in reports


def _script_may_know_more(said: Outcome | None) -> bool:
    return said is None or said.kind in (OutcomeKind.COMPLETED, OutcomeKind.SIGNALLED)


def follow(job: SubmittedJob, observer: RunObserver, cancelled: threading.Event) -> Outcome:
    """Hand on the job's output until it has ended, and return how.

    Setting `cancelled` asks the scheduler to end the job; the outcome then is what became of it.
    What the observer raises ends the following, not the job.
    """
    files = job.run.files()
    tails = (_Tail(files.stdout, observer.stdout), _Tail(files.stderr, observer.stderr))
    follower = _Follower(job, observer, cancelled)
    pause = SHORTEST_PAUSE
    try:
        while True:
            outcome = follower.step()
            # After the end was seen: all that the command wrote is in the files by now.
            moved = [tail.forward() for tail in tails]
            if outcome is not None:
                return outcome
            observer.tick()
            pause = SHORTEST_PAUSE if any(moved) else min(pause * 1.5, LONGEST_PAUSE)
            time.sleep(pause)
    finally:
        for tail in tails:
            tail.close()
