"""What qxub asks of a scheduler: argv out, text in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qxub.job import JobSpec, JobState, Outcome


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
    """for what the scheduler itself has to say; the job's streams go elsewhere"""


@dataclass(frozen=True)
class Answer:
    """What a scheduler's command printed, and its exit status."""

    stdout: str
    stderr: str
    status: int


@dataclass(frozen=True)
class JobReport:
    """What the scheduler knows of a job."""

    state: JobState
    outcome: Outcome | None = None
    """with ENDED: how, as far as the scheduler knows"""
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
    """of an array job, by index, as far as the scheduler tells"""


class Scheduler(Protocol):
    """One batch system. Each implementation is one file."""

    name: str
    query_interval: float
    """seconds to leave between two queries"""
    job_id_variable: str
    """the variable of the job's environment that holds its ID"""
    index_variable: str
    """the one that holds the index of an array's member"""

    def directives(self, submission: Submission) -> list[str]:
        """Return the lines at the head of the job script that carry the job's resources."""

    def submit(self, submission: Submission) -> list[str]:
        """Return the argv that submits the script."""

    def job_id(self, answer: Answer) -> str | None:
        """Return the job ID from the answer to `submit`, or None where there is none in it."""

    def query(self, job_id: str) -> list[str]:
        """Return the argv that asks for the job."""

    def report(self, job_id: str, answer: Answer) -> JobReport | None:
        """Return what the answer to `query` says, or None where the job is unknown.

        Raises ValueError for an answer that cannot be understood.
        """

    def cancel(self, job_id: str) -> list[str]:
        """Return the argv that ends the job, queued or running."""

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether a failed command failed because the scheduler could not be reached."""


def requested_queue(spec: JobSpec) -> str | None:
    """Return the queue to name in the directives; with `auto` the scheduler's default decides."""
    return None if spec.queue == "auto" else spec.queue


def mebibytes(size: int) -> int:
    """Return bytes as MiB, rounded up so that the job never gets less than it asked for."""
    return -(-size // 2**20)
