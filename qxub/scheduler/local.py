"""The embedded scheduler: batch jobs on this one machine.

Its commands are qxub's own (`qxub.cli.local_batch_posix`), called as any other scheduler's are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from qxub.job import JobState, Outcome, OutcomeKind
from qxub.quantities import format_memory
from qxub.scheduler.base import Answer, JobReport, Submission

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHERE_ANY_IS = (JobState.RUNNING, JobState.QUEUED, JobState.WAITING, JobState.HELD, JobState.ENDED)
"""the state of an array: the first of these that one of its members is in"""


class Local:
    """Jobs on this machine, queued for its cores and its memory."""

    name = "local"
    query_interval = 1.0

    def __init__(self, batch: Sequence[str]) -> None:
        """Take the argv prefix that runs the batch system's commands."""
        self._batch = list(batch)

    def directives(self, submission: Submission) -> list[str]:
        """Return none: resources go on the command line."""
        del submission
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

    def query(self, job_id: str) -> list[str]:
        """Ask for one job, answered in JSON."""
        return [*self._batch, "query", job_id]

    def report(self, job_id: str, answer: Answer) -> JobReport | None:
        """Read where the job stands; of an array, where its members do."""
        facts = json.loads(answer.stdout)[job_id]
        if facts is None:
            return None
        if "members" not in facts:
            return _report(job_id, facts)
        members = {
            int(index): _report(_member_id(job_id, index), {**facts, **member})
            for index, member in facts["members"].items()
        }
        return _array_report(members)

    def cancel(self, job_id: str) -> list[str]:
        """Cancel, queued or running: TERM to all of its processes, KILL after a grace."""
        return [*self._batch, "cancel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether the queue could not be read or written, as on a full disk."""
        return answer.status == OutcomeKind.SCHEDULER_UNAVAILABLE.exit_status


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


def _array_report(members: dict[int, JobReport]) -> JobReport:
    """Return an array's report: where a member of it stands, and the worst ending at the end."""
    state = next(
        state for state in _WHERE_ANY_IS if any(m.state is state for m in members.values())
    )
    shown = next(member for member in members.values() if member.state is state)
    endings = [member.outcome for member in members.values() if member.outcome is not None]
    return JobReport(
        state,
        max(endings, key=lambda ending: ending.exit_status) if state is JobState.ENDED else None,
        reason=shown.reason,
        nodes=shown.nodes,
        submitted_at=shown.submitted_at,
        members=members,
    )
