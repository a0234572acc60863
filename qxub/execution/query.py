"""One question to the scheduler for all the jobs that somebody here waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.errors import SchedulerError
from qxub.execution.commands import run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.scheduler.base import JobReport, Scheduler


def ask(scheduler: Scheduler, job_ids: Sequence[str]) -> dict[str, JobReport | None]:
    """Return what the scheduler knows of each job; None for one that it does not know.

    Raises SchedulerError where the scheduler does not answer, or not to be understood.
    """
    return {job_id: _ask_for_one(scheduler, job_id) for job_id in job_ids}


def _ask_for_one(scheduler: Scheduler, job_id: str) -> JobReport | None:
    answer = run_command(scheduler.query(job_id))
    if answer.status != 0 and scheduler.is_unavailable(answer):
        message = f"{scheduler.name} does not answer: {answer.stderr.strip()}"
        raise SchedulerError(message)
    try:
        return scheduler.report(job_id, answer)
    except ValueError as error:
        raise SchedulerError(str(error)) from error
