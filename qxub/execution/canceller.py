"""Ask the scheduler to end a job, until it has accepted that."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from typing import TYPE_CHECKING

from qxub.errors import SchedulerError
from qxub.execution.background import Background
from qxub.execution.commands import run_command

if TYPE_CHECKING:
    import threading

    from qxub.execution.submit import SubmittedJob
    from qxub.run import RunObserver

RETRY_INTERVAL = 5.0
"""seconds between two attempts, and for an accepted one to show in the job's files"""

AGAIN = 30.0
"""seconds after which an accepted attempt that had no effect is made again"""

log = logging.getLogger(__name__)


class Canceller:
    """Cancels a job once an event is set, beside whatever else is done."""

    def __init__(
        self, job: SubmittedJob, observer: RunObserver, cancelled: threading.Event
    ) -> None:
        self.is_accepted = False
        """the scheduler has said that it ends the job"""
        self._job = job
        self._observer = observer
        self._cancelled = cancelled
        self._background = Background()
        self._tried_at = self._accepted_at = -math.inf
        self._refusals: Counter[str] = Counter()

    def look(self) -> None:
        """Cancel where that is asked for. Raises what an attempt raised, but SchedulerError."""
        if self._background.is_busy() or not self._cancelled.is_set():
            return
        now = time.monotonic()
        if now - self._tried_at < (AGAIN if self.is_accepted else RETRY_INTERVAL):
            return
        if self._tried_at == -math.inf:
            self._observer.event("cancelling", job_id=self._job.job_id)
        self._tried_at = now
        self._background.start(self._try)

    def waits_for_scheduler(self, *, has_started: bool) -> bool:
        """Return whether only the scheduler can tell what became of the cancelled job.

        One that runs tells it itself, unless it was killed.
        """
        is_late = time.monotonic() - self._accepted_at > RETRY_INTERVAL
        return self.is_accepted and (is_late or not has_started)

    def _try(self) -> None:
        job_id = self._job.job_id
        try:
            answer = run_command(self._job.scheduler.cancel(job_id))
        except SchedulerError as error:
            log.warning("cancelling job %s failed: %s", job_id, error.message)
            return
        if answer.status == 0:
            if not self.is_accepted:
                self.is_accepted, self._accepted_at = True, time.monotonic()
            return
        # The server is down, or the job has just ended; what is said twice the user must know.
        self._refusals[answer.words] += 1
        level = logging.WARNING if self._refusals[answer.words] == 2 else logging.INFO
        log.log(level, "cancelling job %s: %s", job_id, answer.words)
