"""What qxub asks of a scheduler: argv out, text in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Optional, Protocol

from qxub.errors import SchedulerError
from qxub.job import JobState

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from qxub.job import JobSpec, Outcome
    from qxub.limits import Limits


@dataclass(frozen=True)
class Submission:
    """A job that is about to be submitted."""

    spec: JobSpec
    run_id: str
    """goes to the scheduler as an attribute of the job that a query can find"""
    name: str
    """the job's name: letters, digits and `._+-` only, so that every scheduler takes it"""
    script: Path
    log: Path
    """for what the scheduler itself has to say; the job's streams go elsewhere. Each member of an
    array job has one of its own: this name, a full stop, and the member's index"""


_ARRAY_STATES = (
    JobState.RUNNING,
    JobState.EXITING,
    JobState.SUSPENDED,
    JobState.QUEUED,
    JobState.WAITING,
    JobState.HELD,
    JobState.ENDED,
)
COMMAND_MISSING = 127
"""the exit status of an Answer for a command that is not installed, as a shell gives it"""


_USAGE = re.compile(r"^usage: (\w+) .*(?:\n[ \t]+(?:\[|\1 --).*)*\n?", re.MULTILINE)
"""the options of a command such as qsub(1B), which it shows after the reason"""


@dataclass(frozen=True)
class Answer:
    """What a scheduler's command printed, and its exit status."""

    stdout: str
    stderr: str
    status: int

    @property
    def words(self) -> str:
        """What the command said, for people: its usage text only where that is all it said."""
        said = self.stderr.strip() or self.stdout.strip()
        return _USAGE.sub("", said).strip() or said


@dataclass(frozen=True)
class JobReport:
    """What the scheduler knows of a job."""

    state: JobState
    outcome: Outcome | None = None
    """how it has ended, or is being ended, as far as the scheduler knows. Members of an array job
    have theirs; beside them it is the outcome of one that is not among them and never began, where
    that is known"""
    reason: str = ""
    """why the job is not running yet, in the scheduler's words"""
    starts_at: float | None = None
    """when the scheduler expects to start it (seconds since 1970)"""
    queue: str = ""
    nodes: str = ""
    submitted_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    """seconds since 1970, where the scheduler tells"""
    used: Mapping[str, str] = field(default_factory=dict)
    """resources used, by the scheduler's own names"""
    members: Mapping[int, JobReport] = field(default_factory=dict)
    """of an array job, by index, as far as the scheduler tells: Slurm keeps no record of a member
    that is cancelled by itself before it starts"""


@dataclass(frozen=True)
class Queue:
    """A queue of PBS, or a partition of Slurm, as the scheduler tells of it."""

    name: str
    takes_jobs: bool
    limits: Limits
    is_default: bool = False
    """jobs go there that name no queue; False where the scheduler does not tell"""


Reports = dict[str, Optional[JobReport]]
"""by job ID: what the scheduler says; None where it no longer knows the job. A job that the answer
says nothing of, neither the one nor the other, is not in it: nothing is known of it now"""

if TYPE_CHECKING:
    Query = Generator[list[str], Answer, Reports]
    LookUp = Generator[list[str], Answer, list[str]]
    QueueQuestion = Generator[list[str], Answer, list[Queue]]


class Scheduler(Protocol):
    """One batch system. Each implementation is one file.

    `query`, `look_up` and `queues` may need any number of commands, so they are generators: each
    argv that they yield is to be run and its answer sent back, until they return, which
    `qxub.execution.query` does. They raise SchedulerError where the scheduler does not answer, or
    not to be understood.
    """

    name: str
    query_interval: float
    """seconds to leave between two queries"""
    job_id_variable: str
    """the variable of the job's environment that holds its ID"""
    index_variable: str
    """the one that holds the index of an array's member"""

    def directives(self, submission: Submission) -> list[str]:
        """Return the lines at the head of the job script that carry the job's resources.

        Raises RefusedError for what this scheduler has no means to ask for.
        """

    def submit(self, submission: Submission) -> list[str]:
        """Return the argv that submits the script."""

    def job_id(self, answer: Answer) -> str | None:
        """Return the job ID from the answer to `submit`, or None where there is none in it."""

    def query(self, job_ids: Sequence[str]) -> Query:
        """Ask for all these jobs at once; see Reports for what is returned."""

    def look_up(self, run_id: str, user: str) -> LookUp:
        """Ask for the IDs of the user's jobs that carry this run ID."""

    def queues(self) -> QueueQuestion:
        """Ask which queues there are, and what they allow; none where there are no queues."""

    def hold(self, job_id: str) -> list[str]:
        """Return the argv that keeps a job from starting."""

    def release(self, job_id: str) -> list[str]:
        """Return the argv that lets a held job start."""

    def cancel(self, job_id: str) -> list[str]:
        """Return the argv that ends the job, queued or running."""

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether a failed command failed because the scheduler could not be reached."""

    def may_have_submitted(self, answer: Answer) -> bool:
        """Return whether a failed `submit` may have left a job: the answer was lost, not the call.

        Only for an answer that `is_unavailable`.
        """

    def ending_in_log(self, text: str, job_id: str) -> Outcome | None:
        """Return the ending that the scheduler has written into the job's log (Submission.log).

        None where there is none in it. For a job that the scheduler no longer knows.
        """

    def hint(self, answer: Answer) -> str:
        """Return our reading of what a failed command said; "" where we know no more than it says.

        It is the way out of a refusal, or of what keeps the scheduler from being used.
        """


def answered(scheduler: Scheduler, answer: Answer) -> Answer:
    """Return the answer, or raise SchedulerError where the scheduler could not be reached."""
    if answer.status != 0 and scheduler.is_unavailable(answer):
        raise unavailable(scheduler, answer)
    return answer


def unavailable(scheduler: Scheduler, answer: Answer) -> SchedulerError:
    """Return the error for a scheduler that could not be reached, with its words and a way out."""
    message = f"{scheduler.name} does not answer: {answer.words}"
    hint = scheduler.hint(answer) or "It may be down; try again later."
    return SchedulerError(message, hint=hint)


def report_of_array(members: Mapping[int, JobReport]) -> JobReport:
    """Return the report of an array job of which the scheduler keeps no more than its members.

    Its state is the first in _ARRAY_STATES that a member is in.
    """
    first = min(members.values(), key=lambda member: _ARRAY_STATES.index(member.state))
    nodes = {member.nodes for member in members.values()}
    return JobReport(
        first.state,
        reason=first.reason,
        starts_at=first.starts_at,
        queue=first.queue,
        nodes=first.nodes if len(nodes) == 1 else "",
        submitted_at=first.submitted_at,
        members=members,
    )


def requested_queue(spec: JobSpec) -> str | None:
    """Return the queue to name in the directives; with `auto` the scheduler's default decides."""
    return None if spec.queue == "auto" else spec.queue


def mebibytes(size: int) -> int:
    """Return bytes as MiB, rounded up so that the job never gets less than it asked for."""
    return -(-size // 2**20)
