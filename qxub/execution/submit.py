"""Plan → submitted job: recorded first, then handed to the scheduler, once and never again."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import ConfigError, LostError, RefusedError, SchedulerError
from qxub.execution.commands import TIME_LIMIT, CommandTimeoutError, run_command
from qxub.execution.query import look_up, queues
from qxub.execution.run_directory import RecordedBeforeError, RunDirectory
from qxub.scheduler.base import requested_queue, unavailable

if TYPE_CHECKING:
    from qxub.execution.plan import Plan
    from qxub.job import JobSpec
    from qxub.scheduler.base import Answer, Scheduler

SEARCH_INTERVAL = 5.0
"""seconds between two looks for the job of a run that may have been submitted"""

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

    A run that was recorded before is found again, with its job: as when the line to the process
    that submitted it was lost. Where the scheduler's answer is lost, it is asked for the job of
    this run. Raises RefusedError with the scheduler's words, SchedulerError when it cannot be
    reached, LostError when the job may have been submitted all the same, and ConfigError where
    the state directory takes nothing.
    """
    try:
        run = RunDirectory.create(plan.directory, plan.spec, plan.directory_mode)
        run.write_script(plan.script)
    except RecordedBeforeError:
        run = RunDirectory(plan.directory, plan.directory_mode)
        said = f"run {run.path.name} was recorded before, so it is not submitted again"
        return SubmittedJob(plan.spec, run, plan.scheduler, _find(plan, run, said))
    except OSError as error:
        message = f"the run cannot be recorded in {plan.directory}: {error.strerror or error}"
        hint = "Nothing was submitted. Make room there, or let XDG_STATE_HOME name another place."
        raise ConfigError(message, hint=hint) from error
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
        silent = unavailable(scheduler, answer)
        if scheduler.may_have_submitted(answer):
            return _find(plan, run, silent.message)
        raise SchedulerError(silent.message, hint=f"Nothing was submitted. {silent.hint}")
    if answer.status < 0 or (answer.status != 0 and not answer.words):
        return _find(plan, run, f"{scheduler.name} took the job or not: {_silence(answer)}")
    if answer.status != 0:
        raise _refusal(plan, answer)
    said = f"{scheduler.name} accepted the job but gave no job ID: {answer.words!r}"
    return scheduler.job_id(answer) or _find(plan, run, said)


def _silence(answer: Answer) -> str:
    if answer.status < 0:
        return f"its command was killed by signal {-answer.status}"
    return f"its command ended with {answer.status} and without a word"


def _refusal(plan: Plan, answer: Answer) -> RefusedError:
    scheduler = plan.scheduler
    message = f"{scheduler.name} refused the job, so nothing was submitted: {answer.words}"
    hint = " ".join(words for words in (_of_queues(plan), scheduler.hint(answer)) if words)
    return RefusedError(message, hint=hint)


def _of_queues(plan: Plan) -> str:
    """Return what the queues have to say of a refused job; "" where it is not theirs."""
    try:
        known = queues(plan.scheduler)
    except SchedulerError as error:
        log.info("asking for the queues failed: %s", error.message)
        return ""
    wanted = requested_queue(plan.spec)
    chosen = [queue for queue in known if queue.name == wanted or (not wanted and queue.is_default)]
    if wanted and known and not chosen:
        return f"There is no queue {wanted}; there are: {', '.join(queue.name for queue in known)}."
    over = chosen[0].limits.broken_by(plan.spec.resources) if chosen else []
    return f"Queue {chosen[0].name}: {'; '.join(over)}." if over else ""


def _find(plan: Plan, run: RunDirectory, said: str) -> str:
    """Return the ID of the job that may have been submitted, by asking for its run ID.

    Nothing is submitted here. That there is none now says nothing: another process may be
    submitting it, a busy server takes its time, and qsub leaves a process that goes on. Raises
    LostError where there is none for long.
    """
    hint = f"Look for a job named {plan.submission.name}; the run is recorded in {run.path}."
    deadline = time.monotonic() + TIME_LIMIT
    while True:
        is_ours = run.holds(plan.spec)
        if is_ours is False:
            raise LostError(f"{said}; and it was recorded for another job", hint=hint)
        found, problem = None, f"{plan.scheduler.name} has no job of it"
        try:
            found = recover(run, plan.scheduler) if is_ours else None
        except SchedulerError as error:
            problem = f"whether it has a job is not known: {error.message}"
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise LostError(f"{said}; {problem}", hint=hint)
        time.sleep(SEARCH_INTERVAL)
