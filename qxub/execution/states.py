"""A job's changes of state, as events for whoever watches the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.job import NOT_STARTED, JobState

if TYPE_CHECKING:
    from qxub.run import RunObserver
    from qxub.scheduler.base import JobReport


class StateEvents:
    """Tells `queued`, `waiting`, `held`, `started`, `suspended` and `resumed`, each when it is new.

    Details: job_id; reason, starts_at (seconds since 1970) and queue where the scheduler tells.
    """

    def __init__(self, job_id: str, observer: RunObserver) -> None:
        self.has_started = False
        self._job_id = job_id
        self._observer = observer
        self._told: object = None
        self._is_suspended = False

    def start(self) -> None:
        """Tell that the job runs, by its own sign of life or the scheduler's word."""
        if not self.has_started:
            self.has_started = True
            self._observer.event("started", job_id=self._job_id)

    def tell(self, report: JobReport) -> None:
        """Tell what the scheduler's report brings."""
        if report.state in NOT_STARTED and not self.has_started:
            self._tell(report)
        elif report.state is JobState.SUSPENDED:
            self.start()
            self._tell(report)
            self._is_suspended = True
        elif report.state is JobState.RUNNING:
            self.start()
            if self._is_suspended:
                self._is_suspended, self._told = False, None
                self._observer.event("resumed", job_id=self._job_id)

    def _tell(self, report: JobReport) -> None:
        starts_at = "" if report.starts_at is None else f"{report.starts_at:.0f}"
        details = {"reason": report.reason, "starts_at": starts_at, "queue": report.queue}
        told = (report.state, report.reason, starts_at)
        if told == self._told:
            return
        self._told = told
        given = {name: value for name, value in details.items() if value}
        self._observer.event(report.state.value, job_id=self._job_id, **given)
