"""Plan → submitted job: recorded first, then handed to the scheduler, once and never again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import LostError, RefusedError, SchedulerError
from qxub.execution.commands import CommandTimeoutError, run_command
from qxub.execution.run_directory import RunDirectory

if TYPE_CHECKING:
    from qxub.execution.plan import Plan
    from qxub.job import JobSpec
    from qxub.scheduler.base import Scheduler

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SubmittedJob:
    """A job that the scheduler has accepted."""

    spec: JobSpec
    run: RunDirectory
    scheduler: Scheduler
    job_id: str


def submit(plan: Plan) -> SubmittedJob:
    """Record the run, then submit it: once, and never again.

    Raises RefusedError with the scheduler's words, SchedulerError when it cannot be reached, and
    LostError when the job may have been submitted all the same.
    """
    run = RunDirectory.create(plan.directory, plan.spec, plan.directory_mode)
    run.write_script(plan.script)
    scheduler = plan.scheduler
    if plan.spec.queue == "auto":
        log.info("queue auto: the default queue of %s decides", scheduler.name)
    try:
        answer = run_command(scheduler.submit(plan.submission))
    except CommandTimeoutError as error:
        message = f"{error.message}; whether the job was submitted is not known"
        hint = f"Look for a job named {plan.submission.name}; the run is recorded in {run.path}."
        raise LostError(message, hint=hint) from error
    words = answer.stderr.strip() or answer.stdout.strip()
    if answer.status != 0 and scheduler.is_unavailable(answer):
        message = f"{scheduler.name} does not answer: {words}"
        hint = f"Before trying again, look whether it has a job named {plan.submission.name}."
        raise SchedulerError(message, hint=hint)
    if answer.status != 0:
        message = f"{scheduler.name} refused the job, so nothing was submitted: {words}"
        raise RefusedError(message)
    job_id = scheduler.job_id(answer)
    if job_id is None:
        message = f"{scheduler.name} accepted the job but gave no job ID: {words!r}"
        raise LostError(message, hint=f"The run is recorded in {run.path}.")
    run.record_job_id(job_id)
    return SubmittedJob(plan.spec, run, scheduler, job_id)
