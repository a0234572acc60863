"""Questions to a scheduler, each asked by as many of its commands as it takes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable, TypeVar

from qxub.errors import SchedulerError
from qxub.execution.commands import CommandMissingError, run_command
from qxub.scheduler.base import COMMAND_MISSING, Answer
from qxub.system.account import user_name

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from qxub.scheduler.base import Queue, Reports, Scheduler

T = TypeVar("T")


def ask(scheduler: Scheduler, job_ids: Sequence[str]) -> Reports:
    """Return what the scheduler says of each job; None for one that it no longer knows.

    A job that it says nothing of, neither the one nor the other, is left out. Raises
    SchedulerError where it does not answer, or not to be understood: nothing is known then.
    """
    return _converse(scheduler.query(job_ids)) if job_ids else {}


def look_up(scheduler: Scheduler, run_id: str) -> list[str]:
    """Return the IDs of this user's jobs that carry the run ID: one at most, if all is well.

    Raises SchedulerError as `ask` does, and where nothing here knows the user's name.
    """
    user = user_name()
    if user is None:
        message = "nothing here knows your user name, by which the scheduler has your jobs"
        raise SchedulerError(message, hint="Set USER.")
    return _converse(scheduler.look_up(run_id, user))


def queues(scheduler: Scheduler) -> list[Queue]:
    """Return the scheduler's queues. Raises SchedulerError as `ask` does."""
    return _converse(scheduler.queues())


def _converse(question: Generator[list[str], Answer, T]) -> T:
    step: Callable[[], list[str]] = partial(next, question)
    while True:
        try:
            argv = step()
        except StopIteration as end:
            found: T = end.value
            return found
        try:
            answer = run_command(argv)
        except CommandMissingError as error:
            answer = Answer("", error.message, COMMAND_MISSING)
        step = partial(question.send, answer)
