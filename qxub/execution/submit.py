"""Plan → submitted job: recorded first, then handed to the scheduler, once and never again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import LostError, RefusedError, SchedulerError
from qxub.execution.commands import CommandTimeoutError, run_command
from qxub.execution.query import look_up
from qxub.execution.run_directory import RunDirectory

if TYPE_CHECKING:
    from qxub.execution.plan import Plan
    from qxub.job import JobSpec
    from qxub.scheduler.base import Answer, Scheduler

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

    Where the scheduler's answer is lost, it is asked for the job of this run. Raises RefusedError
    with the scheduler's words, SchedulerError when it cannot be reached, and LostError when the job
    may have been submitted all the same.
    """
    run = RunDirectory.create(plan.directory, plan.spec, plan.directory_mode)
    run.write_script(plan.script)
    if plan.spec.queue == "auto":
        log.info("queue auto: the default queue of %s decides", plan.scheduler.name)
    job_id = _hand_over(plan, run)
    _record(run, job_id)
    return SubmittedJob(plan.spec, run, plan.scheduler, job_id)


def recover(run: RunDirectory, scheduler: Scheduler) -> str | None:
    """Return the job ID of a recorded run, or None where the scheduler has no job of it.

    What the scheduler tells is recorded. Nothing is submitted. Raises SchedulerError where the
    scheduler does not answer, and LostError where the run has more than one job, or had one that
    the scheduler has forgotten.
    """
    job_id = run.job_id()
    if job_id is not None:
        return job_id
    found = look_up(scheduler, run.path.name)
    if len(found) > 1:
        message = f"run {run.path.name} has more than one job: {', '.join(found)}"
        raise LostError(message, hint="Look at each, and cancel those that are not wanted.")
    if found:
        _record(run, found[0])
        return found[0]
    if run.has_started():
        message = f"run {run.path.name} had a job, which {scheduler.name} no longer knows"
        raise LostError(message, hint=f"What it left is in {run.path}.")
    return None


def _record(run: RunDirectory, job_id: str) -> None:
    try:
        run.record_job_id(job_id)
    except OSError as error:  # such as a full disk: there is a job all the same, to be followed
        log.warning("that run %s is job %s cannot be recorded: %s", run.path.name, job_id, error)


def _hand_over(plan: Plan, run: RunDirectory) -> str:
    scheduler = plan.scheduler
    try:
        answer = run_command(scheduler.submit(plan.submission))
    except CommandTimeoutError as error:
        return _find(plan, run, error.message)
    if answer.status != 0 and scheduler.is_unavailable(answer):
        said = f"{scheduler.name} does not answer: {answer.words}"
        if scheduler.may_have_submitted(answer):
            return _find(plan, run, said)
        raise SchedulerError(said, hint="Nothing was submitted. It may be down; try again later.")
    if answer.status < 0 or (answer.status != 0 and not answer.words):
        return _find(plan, run, f"{scheduler.name} took the job or not: {_silence(answer)}")
    if answer.status != 0:
        raise _refusal(scheduler, answer)
    said = f"{scheduler.name} accepted the job but gave no job ID: {answer.words!r}"
    return scheduler.job_id(answer) or _find(plan, run, said)


def _silence(answer: Answer) -> str:
    if answer.status < 0:
        return f"its command was killed by signal {-answer.status}"
    return f"its command ended with {answer.status} and without a word"


def _refusal(scheduler: Scheduler, answer: Answer) -> RefusedError:
    message = f"{scheduler.name} refused the job, so nothing was submitted: {answer.words}"
    return RefusedError(message, hint=scheduler.hint(answer))


def _find(plan: Plan, run: RunDirectory, said: str) -> str:
    """Return the ID of the job that may have been submitted, by asking for its run ID.

    That there is none now says nothing: qsub leaves a process that goes on submitting. Raises
    LostError then.
    """
    try:
        job_id = recover(run, plan.scheduler)
    except SchedulerError as error:
        log.warning("asking for the job of run %s failed: %s", run.path.name, error.message)
        job_id = None
    if job_id is not None:
        return job_id
    message = f"{said}; whether the job was submitted is not known"
    hint = f"Look for a job named {plan.submission.name}; the run is recorded in {run.path}."
    raise LostError(message, hint=hint)
