"""What the scheduler says of a job, at the cost of one query for all jobs that are followed.

All of a user's qxub processes on a host share it. Each notes the job that it follows; the one that
finds the last answer too old and gets the lock asks for all the jobs, and the others read what it
was told.
"""

from __future__ import annotations

import logging
import math
import random
import time
from typing import TYPE_CHECKING, Callable

from qxub.errors import SchedulerError
from qxub.execution.background import Background
from qxub.execution.followed import LEASE, FollowedJobs
from qxub.execution.shared_answer import AnswerFile, NotAskedError, SharedAnswer, answered
from qxub.system import try_lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from qxub.scheduler.base import JobReport

    Ask = Callable[[Sequence[str]], Mapping[str, "JobReport | None"]]

LONGEST_LOOK = 0.5
"""seconds between two looks at the shared answer, at the most"""
ABANDONED = 180.0
"""seconds after which others ask: who is asking may have been stopped (Ctrl-Z)"""
JITTER = 0.25
"""the part of an interval by which a query may come later, so that two hosts do not ask as one"""
MOST_CREDIT = 3.0
"""questions that may come sooner than the interval, where none was asked for long"""

log = logging.getLogger(__name__)


class Watch:
    """Watches one job by the answer that is shared in `directory`.

    `ask` asks the scheduler, in a thread of its own, and raises SchedulerError where there is no
    answer. A process that dies while it asks leaves no lock behind.
    """

    def __init__(
        self, directory: Path, job_id: str, ask: Ask, interval: float, jitter: float = JITTER
    ) -> None:
        self.is_answered = False
        """the scheduler has been asked for the job, and has answered"""
        self.report: JobReport | None = None
        """what it last said of the job: None when it does not know it"""
        self._has_warned = False
        self._job_id = job_id
        self._interval = interval
        self._jitter = jitter
        self._wait = self._jittered()
        self._background = Background()
        self._followed = FollowedJobs(directory / "followed")
        self._followed.note(job_id)
        self._since = self._noted_at = time.monotonic()
        self._file = AnswerFile(directory / "answer")
        self._inquiry = _Inquiry(directory / "lock", self._file, self._followed, ask, interval)
        self._answer = SharedAnswer()
        self._stamp: object = None
        self._next_look = -math.inf

    def look(self, *, at_most: float | None = None) -> bool:
        """Read the shared answer where it is new, and have one asked for where it is due.

        `at_most` shortens the wait, in seconds after the last question, for what cannot wait for
        the interval, as long as there is credit for that; a scheduler that did not answer is not
        pressed so. Returns whether the scheduler has answered anew. Raises what the asking raised,
        other than SchedulerError.
        """
        is_busy = self._background.is_busy()
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + min(LONGEST_LOOK, self._interval / 4)
        stamp, before = self._file.stamp(), self._stamp
        self._stamp = stamp
        is_new = stamp != before and self._take(self._file.read())
        if now - self._noted_at > LEASE / 3:
            self._note()
        if self._answer.problem:
            at_most = None
        wait = self._wait if at_most is None else min(at_most, self._wait)
        since = self._since if at_most is None else -math.inf
        if not is_busy and self._inquiry.is_due(self._answer, wait, since):
            self._wait = self._jittered()
            self._background.start(lambda: self._inquiry.make(self._job_id, wait, since))
        return is_new

    def close(self) -> None:
        """Let the job go: nobody needs to ask for it any more."""
        self._followed.drop(self._job_id)

    def _jittered(self) -> float:
        return self._interval * random.uniform(1, 1 + self._jitter)  # noqa: S311

    def _note(self) -> None:
        self._followed.note(self._job_id)
        self._noted_at = time.monotonic()

    def _take(self, answer: SharedAnswer) -> bool:
        """Take over what an answer says of the job; return whether it says anything."""
        self._answer = answer
        if answer.problem:
            level = logging.DEBUG if self._has_warned else logging.WARNING
            log.log(level, "asking for job %s failed: %s", self._job_id, answer.problem)
            self._has_warned = True
        # What was asked before this job was followed is of an earlier job with its ID, if of any.
        if answer.problem or not answer.is_complete or answer.asked_at < self._since:
            return False
        try:
            self.report = answer.report_of(self._job_id)
        except NotAskedError:  # followed since then only, or the notice was lost
            self._note()
            return False
        except ValueError as error:
            log.info("what is said of job %s is passed over: %s", self._job_id, error)
            return False
        self.is_answered, self._has_warned = True, False
        return True


class _Inquiry:
    """Asks for every job that is followed, unless another process does, or just did."""

    def __init__(
        self, lock: Path, file: AnswerFile, followed: FollowedJobs, ask: Ask, interval: float
    ) -> None:
        self._lock = lock
        self._file = file
        self._followed = followed
        self._ask = ask
        self._interval = interval

    def is_due(self, answer: SharedAnswer, wait: float, since: float) -> bool:
        """Return whether the wait is over, counted from the last question, and from `since`."""
        now = time.monotonic()
        return now - max(answer.asked_at, since) >= wait and self._credit(answer, now) >= 1

    def make(self, job_id: str, wait: float, since: float) -> None:
        """Ask, where it is still due when the lock is ours."""
        try:
            lock = self._lock.open("ab")
        except OSError as error:  # a full disk costs the sharing, not the job
            log.info("asking for job %s without a lock: %s", job_id, error)
            self._ask_if_due(job_id, wait, since)
            return
        with lock:
            if _gets(lock.fileno()):
                self._ask_if_due(job_id, wait, since)
            elif _is_abandoned(self._file.read()):
                self._take_lock_away()

    def _take_lock_away(self) -> None:
        """Let the next look find another lock."""
        try:
            self._lock.unlink(missing_ok=True)
        except OSError as error:
            log.info("cannot remove %s, whose holder was stopped: %s", self._lock, error)

    def _ask_if_due(self, job_id: str, wait: float, since: float) -> None:
        before = self._file.read()
        if not self.is_due(before, wait, since):
            return
        now = time.monotonic()
        credit = self._credit(before, now) - 1
        self._file.write(before.began(now, credit))
        try:
            reports = self._ask(sorted(self._followed.job_ids() | {job_id}))
        except SchedulerError as error:
            content = before.failed(now, credit, error.message)
        else:
            content = answered(now, credit, reports)
        if self._file.read().asked_at <= now:  # nobody took this process for stopped
            self._file.write(content)

    def _credit(self, answer: SharedAnswer, now: float) -> float:
        """Return how many questions may be asked: one for each interval since the last one."""
        return min(MOST_CREDIT, answer.credit + (now - answer.asked_at) / self._interval)


def _is_abandoned(answer: SharedAnswer) -> bool:
    waited = time.monotonic() - answer.asked_at
    return not answer.is_complete and ABANDONED < waited < math.inf


def _gets(handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError as error:  # there are file systems without: what is asked too often is told
        log.info("the file system of the state directory has no locks: %s", error)
        return True
