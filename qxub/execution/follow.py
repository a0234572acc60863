"""Follow a submitted job to its end: its bytes as they come, and one true outcome."""

from __future__ import annotations

import functools
import logging
import math
import os
import socket
import time
from typing import TYPE_CHECKING

from qxub.execution import query
from qxub.execution.canceller import Canceller
from qxub.execution.ending import (
    scheduler_may_know_why,
    script_may_know_more,
    told_by_scheduler,
    told_by_script,
    worst,
)
from qxub.execution.result import life_details, member_details
from qxub.execution.states import StateEvents
from qxub.execution.tail import Tail
from qxub.execution.watch import JITTER, Watch
from qxub.job import JobState, Outcome
from qxub.monitoring import Monitoring

if TYPE_CHECKING:
    import threading

    from qxub.execution.submit import SubmittedJob
    from qxub.run import RunObserver
    from qxub.scheduler.base import JobReport

AS_THE_SCHEDULER = Monitoring()
"""asked at the scheduler's own interval"""
SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 0.25
"""seconds between two looks at the run's files"""
QUEUE_PAUSE = 0.5
"""seconds between two looks for the start of a job that waits"""
FILE_GRACE = 10.0
"""seconds that a status file may take to show on a shared file system after the job's end"""
ABSENCE = 60.0
"""seconds for which the run directory may be away: a file server that is started again, a mount"""
ENDING_INTERVAL = 5.0
"""seconds between two questions at first, where only the scheduler can tell how the job ended"""

log = logging.getLogger(__name__)


class _Job:
    """What the scheduler says of a job, or of all members of an array job: asked for as one."""

    def __init__(self, job: SubmittedJob, observer: RunObserver, cancelled: threading.Event,
                 monitoring: Monitoring) -> None:  # fmt: skip
        self.states = StateEvents(job.job_id, observer)
        self.canceller = Canceller(job, observer, cancelled)
        directory = job.run.path.parents[1] / "watch" / socket.gethostname() / job.scheduler.name
        ask = functools.partial(query.ask, job.scheduler)
        interval = monitoring.interval or job.scheduler.query_interval
        jitter = JITTER if monitoring.jitter is None else monitoring.jitter
        self.watch = Watch(directory, job.job_id, ask, interval, jitter)
        self._longest_patience = max(interval, ENDING_INTERVAL)
        self._patience = ENDING_INTERVAL / 2  # doubled by the first answer
        self._over_since: dict[int | None, float] = {}
        self._ended: dict[int | None, JobReport] = {}
        """what was last said of those that are over, or are being ended: the scheduler forgets
        them, members first"""
        self._times_unknown = 0

    @property
    def is_in_doubt(self) -> bool:
        """The scheduler did not know the job, once: as when it has just been started again."""
        return self._times_unknown == 1

    def look(self, *, waits_for_scheduler: bool) -> None:
        """Cancel if asked to, and see what the scheduler says, at its interval or sooner."""
        self.canceller.look()
        has_started = self.states.has_started
        is_urgent = (
            waits_for_scheduler
            or self.is_in_doubt
            or self.canceller.waits_for_scheduler(has_started=has_started)
        )
        if not self.watch.look(at_most=self._patience if is_urgent else None):
            return
        if is_urgent:  # what takes longer can be asked for less often
            self._patience = min(2 * self._patience, self._longest_patience)
        self._take(self.watch.report)

    def _take(self, report: JobReport | None) -> None:
        self._times_unknown = self._times_unknown + 1 if report is None else 0
        if report is None:
            self._over_since.setdefault(None, time.monotonic())
            return
        self.states.tell(report)
        reports: list[tuple[int | None, JobReport]] = [(None, report), *report.members.items()]
        for index, known in reports:
            is_over = known.state is JobState.ENDED
            if is_over:
                self._over_since.setdefault(index, time.monotonic())
            else:  # it may run again, as when Slurm requeues it
                self._over_since.pop(index, None)
            if is_over or known.outcome is not None:
                self._ended[index] = known
            else:
                self._ended.pop(index, None)

    def over_for(self, index: int | None) -> float | None:
        """Return for how many seconds the job is known to be over; None as long as it is not."""
        since = self._over_since.get(index, self._over_since.get(None))
        return None if since is None else time.monotonic() - since

    def report_of(self, index: int | None) -> JobReport | None:
        """Return what the scheduler last said of the job, or of the member."""
        report = self.watch.report
        if report is not None and index is not None:
            report = report.members.get(index)
        return report or self._ended.get(index)

    def said(self, index: int | None, *, has_started: bool) -> Outcome | None:
        """Return how the scheduler says that the job, or the member, has ended."""
        own, whole = self.report_of(index), self.report_of(None)
        if own is not None:
            return own.outcome
        # Of a member that it does not tell of, only what ended the whole array is known; or, where
        # it tells of others, what ended those that never began.
        if whole is None or (whole.members and has_started):
            return None
        outcome = whole.outcome
        return None if script_may_know_more(outcome) else outcome


class _Member:
    """The files of a job, or of one member of an array job, as they are followed."""

    def __init__(self, job: SubmittedJob, index: int | None, observer: RunObserver) -> None:
        self._submitted = job
        self._job_id = job.job_id
        self._index = index
        self._files = files = job.run.files(index)
        self._observer = observer
        self._waits_for_scheduler = False
        self._has_started = False
        self._unseen_since = math.inf
        self._tails = (Tail(files.stdout, observer.stdout), Tail(files.stderr, observer.stderr))

    def follow(self, job: _Job) -> Outcome:
        """Hand on the output until the end, and return how that was."""
        pause = SHORTEST_PAUSE
        try:
            while True:
                job.look(waits_for_scheduler=self._waits_for_scheduler)
                outcome = self._look_again(job)
                moved = self._forward() if self._has_started or outcome is not None else False
                if outcome is not None:
                    self._finish()
                    return outcome
                self._observer.tick()
                longest = LONGEST_PAUSE if self._has_started else QUEUE_PAUSE
                pause = SHORTEST_PAUSE if moved else min(pause * 1.5, longest)
                time.sleep(pause)
        finally:
            for tail in self._tails:
                tail.close()

    def _look_again(self, job: _Job) -> Outcome | None:
        """Look once; what is not there to be looked at may be in a moment. Raises OSError."""
        try:
            outcome = self._look(job)
        except OSError as error:
            self._unseen_since = min(self._unseen_since, time.monotonic())
            if time.monotonic() - self._unseen_since > ABSENCE:
                raise
            log.info("cannot see the run of job %s now: %s", self._job_id, error)
            return None
        self._unseen_since = math.inf
        return outcome

    def _look(self, job: _Job) -> Outcome | None:
        """Look once at the script's own signs; return the outcome when it is known."""
        # Opening the directory makes a client of NFS ask the server what is in it.
        with os.scandir(self._files.path):
            pass
        if not self._has_started and self._files.has_started():
            self._has_started = True
            job.states.start()
        ending = self._files.ending()
        if ending is not None and not scheduler_may_know_why(ending):
            return told_by_script(ending, self._files, self._job_id)
        self._waits_for_scheduler = ending is not None
        over_for = job.over_for(self._index)
        if over_for is None:
            return None
        said = job.said(self._index, has_started=self._has_started) or self._said_in_log()
        may_come = ending is None and script_may_know_more(said)
        if may_come and (job.is_in_doubt or over_for < FILE_GRACE):
            return None
        cancelled = job.canceller.is_accepted
        return told_by_scheduler(said, self._files, self._job_id, cancelled=cancelled)

    def _said_in_log(self) -> Outcome | None:
        job = self._submitted
        return job.scheduler.ending_in_log(job.run.scheduler_words(self._index), job.job_id)

    def _forward(self) -> int:
        return sum([tail.forward() for tail in self._tails])  # both, whatever the first has

    def _finish(self) -> None:
        """Hand on what the command wrote: all of it is in the files by now.

        What it has left behind may go on writing for ever, so there is an end to that.
        """
        for tail in self._tails:
            rest = tail.size()
            while (moved := tail.forward()) and moved < rest:
                rest -= moved
                self._observer.tick()


def follow(
    job: SubmittedJob,
    observer: RunObserver,
    cancelled: threading.Event,
    monitoring: Monitoring = AS_THE_SCHEDULER,
) -> Outcome:
    """Hand on the job's output until it has ended, and return how.

    The members of an array job are handed on one after the other, by index: the first that has not
    ended as it writes, the others when it is their turn. Setting `cancelled` asks the scheduler
    to end the job; the outcome then is what became of it. What the observer raises ends the
    following, not the job.
    """
    known = _Job(job, observer, cancelled, monitoring)
    indices = job.spec.array.indices() if job.spec.array else ()
    members: dict[int, Outcome] = {}
    try:
        for index in indices:
            members[index] = _Member(job, index, observer).follow(known)
            files, report = job.run.files(index), known.report_of(index)
            details = member_details(index, members[index], report, files)
            observer.event("member", job_id=job.job_id, **details)
        if indices:
            outcome = worst(members, job.job_id)
        else:
            outcome = _Member(job, None, observer).follow(known)
    finally:
        known.watch.close()
    details = life_details(known.report_of(None), job.run.files())
    observer.event("ended", job_id=job.job_id, **details)
    return outcome
