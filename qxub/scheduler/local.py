"""The embedded scheduler: batch jobs on this one machine.

Its commands are qxub's own (`qxub.cli.local_batch_posix`), called as any other scheduler's are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qxub.errors import RefusedError, SchedulerError
from qxub.job import JobState, Outcome, OutcomeKind
from qxub.quantities import format_memory
from qxub.scheduler import refusals
from qxub.scheduler.base import Answer, JobReport, Submission, answered, report_of_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.scheduler.base import LookUp, Query, QueueQuestion

_INSTEAD = {
    "--gpus": "jobs see the GPUs that the machine has, unshared",
    "--volumes": "all file systems of the machine are there",
    "--email": "it sends no mail",
}
"""what holds where something that was asked for is missing"""
_REFUSALS = (OutcomeKind.REFUSED.exit_status, OutcomeKind.USAGE.exit_status)


class Local:
    """Jobs on this machine, queued for its cores and its memory."""

    name = "local"
    query_interval = 1.0
    job_id_variable = "QXUB_JOB_ID"
    index_variable = "QXUB_ARRAY_INDEX"

    def __init__(self, batch: Sequence[str]) -> None:
        """Take the argv prefix that runs the batch system's commands."""
        self._batch = list(batch)

    def directives(self, submission: Submission) -> list[str]:
        """Return none: resources go on the command line.

        The queue, the project and the size of the local disk are passed over: there is one queue,
        nobody is charged, and the disk is the machine's own. Raises RefusedError for what the job
        would miss.
        """
        spec = submission.spec
        asked = spec.resources
        missed = {"--gpus": asked.gpus, "--volumes": asked.volumes, "--email": spec.email}
        for option, value in missed.items():
            if value:
                message = f"the embedded scheduler of this machine has nothing for {option}"
                raise RefusedError(message, hint=f"Leave {option} out: {_INSTEAD[option]}.")
        return []

    def submit(self, submission: Submission) -> list[str]:
        """Submit with all that the queue looks at: sizes in bytes, times in seconds."""
        spec = submission.spec
        options = {
            "run-id": submission.run_id,
            "name": submission.name,
            "cpus": spec.resources.cpus or 1,
            "memory": spec.resources.memory,
            "walltime": spec.resources.walltime,
            "array": spec.array,
            "log": submission.log,
        }
        words = [f"--{name}={value}" for name, value in options.items() if value is not None]
        words += [f"--dependency={dependency}" for dependency in spec.dependencies]
        words += ["--hold"] if spec.hold else []
        return [*self._batch, "submit", *words, str(submission.script)]

    def job_id(self, answer: Answer) -> str | None:
        """Return the one line that `submit` prints."""
        return answer.stdout.strip() or None

    def query(self, job_ids: Sequence[str]) -> Query:
        """Ask for all of them by one command, answered in JSON."""
        answer = answered(self, (yield [*self._batch, "query", *job_ids]))
        try:
            told = json.loads(answer.stdout)
            return {job_id: _told(job_id, told[job_id]) for job_id in job_ids}
        except (ValueError, KeyError, TypeError) as error:
            message = f"the embedded scheduler's answer cannot be read: {answer.words!r}"
            raise SchedulerError(message) from error

    def look_up(self, run_id: str, user: str) -> LookUp:
        """Ask the queue, which has this user's jobs only."""
        del user
        answer = answered(self, (yield [*self._batch, "find", run_id]))
        return answer.stdout.split()

    def queues(self) -> QueueQuestion:
        """Return none: there is one queue, this machine's, and `submit` tells its limits."""
        yield from ()
        return []

    def hold(self, job_id: str) -> list[str]:
        """Keep from starting what of the job has not started."""
        return [*self._batch, "hold", job_id]

    def release(self, job_id: str) -> list[str]:
        """Let a held job start."""
        return [*self._batch, "release", job_id]

    def cancel(self, job_id: str) -> list[str]:
        """Cancel, queued or running: TERM to all of its processes, KILL after a grace."""
        return [*self._batch, "cancel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether a command failed without a clear no.

        The queue could not be written, or the command itself was killed.
        """
        return answer.status not in (0, *_REFUSALS)

    def may_have_submitted(self, answer: Answer) -> bool:
        """Return whether the command was killed: where it says that it failed, all of it did."""
        return answer.status != OutcomeKind.SCHEDULER_UNAVAILABLE.exit_status

    def ending_in_log(self, text: str, job_id: str) -> None:
        """Return None: its queue keeps what has ended."""
        del text, job_id

    def hint(self, answer: Answer) -> str:
        """Read what kept the queue from being written; a refusal has its own hint."""
        return refusals.reading(refusals.LOCAL, answer.words)


def _told(job_id: str, facts: dict[str, Any] | None) -> JobReport | None:
    """Return the report of a job; of an array, with those of its members."""
    if facts is None:
        return None
    if "members" not in facts:
        return _report(job_id, facts)
    members = {
        int(index): _report(_member_id(job_id, index), {**facts, **member})
        for index, member in facts["members"].items()
    }
    return report_of_array(members)


def _member_id(job_id: str, index: str) -> str:
    number, _, suffix = job_id.partition(".")
    return f"{number}[{index}].{suffix}"


def _report(job_id: str, facts: dict[str, Any]) -> JobReport:
    state = JobState(facts["state"])
    used = {}
    if facts["cpu_time"] is not None:
        used["cpu_time"] = f"{facts['cpu_time']:.2f}s"
    if facts["memory_peak"] is not None:
        used["memory"] = format_memory(facts["memory_peak"])
    return JobReport(
        state,
        _outcome(job_id, facts) if state is JobState.ENDED else None,
        reason=facts["reason"],
        nodes=facts["node"],
        submitted_at=facts["submitted_at"],
        started_at=facts["started_at"],
        ended_at=facts["ended_at"],
        used=used,
    )


def _outcome(job_id: str, facts: dict[str, Any]) -> Outcome:
    return Outcome(
        OutcomeKind.labelled(facts["kind"]),
        status=facts["status"],
        signal=facts["signal"],
        job_id=job_id,
        detail=facts["detail"],
    )
