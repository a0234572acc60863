"""PBS Pro and OpenPBS: qsub(1B), qstat(1B), qdel(1B)."""

from __future__ import annotations

import json
import re
from typing import Any

from qxub.job import JobState, Outcome, OutcomeKind
from qxub.quantities import format_clock
from qxub.scheduler.base import Answer, JobReport, Submission, mebibytes, requested_queue

_STATES = {
    "Q": JobState.QUEUED,
    "W": JobState.QUEUED,
    "T": JobState.QUEUED,
    "M": JobState.QUEUED,
    "H": JobState.HELD,
    "R": JobState.RUNNING,
    "S": JobState.RUNNING,
    "U": JobState.RUNNING,
    "E": JobState.RUNNING,
    "B": JobState.RUNNING,
    "F": JobState.ENDED,
    "X": JobState.ENDED,
}
_ENDED_BY_PBS = {-29: OutcomeKind.WALLTIME_EXCEEDED, -27: OutcomeKind.OUT_OF_MEMORY}
_DELETED = 91
"""the substate of a job that was deleted; its Exit_status depends on a race"""
_JOB_ID = re.compile(r"^(\d+\.\S+)$", re.MULTILINE)
_UNKNOWN = ("Unknown Job Id", "Job has finished")
_NO_HISTORY = "PBS is not configured to maintain job history"
_UNREACHABLE = ("cannot connect to server", "Couldn't connect to cluster")


class PbsPro:
    """PBS Professional and OpenPBS."""

    name = "pbs_pro"
    query_interval = 60.0
    job_id_variable = "PBS_JOBID"
    index_variable = "PBS_ARRAY_INDEX"

    def __init__(self) -> None:
        self._has_history = True

    def directives(self, submission: Submission) -> list[str]:
        """Return `#PBS` lines."""
        spec = submission.spec
        resources = {
            "ncpus": spec.resources.cpus,
            "mem": spec.resources.memory and f"{mebibytes(spec.resources.memory)}mb",
            "walltime": spec.resources.walltime and format_clock(spec.resources.walltime),
        }
        options = {
            "-N": submission.name,
            "-j": "oe",
            "-r": "n",
            "-q": requested_queue(spec),
            "-P": spec.project,
        }
        lines = [f"#PBS {key} {value}" for key, value in options.items() if value is not None]
        return [*lines, *(f"#PBS -l {key}={value}" for key, value in resources.items() if value)]

    def submit(self, submission: Submission) -> list[str]:
        """Submit by qsub(1B), which prints the job ID alone."""
        return ["qsub", "-o", str(submission.log), str(submission.script)]

    def job_id(self, answer: Answer) -> str | None:
        """Return the ID whole, server suffix included: commands elsewhere need it so."""
        match = _JOB_ID.search(answer.stdout)
        return match[1] if match else None

    def query(self, job_id: str) -> list[str]:
        """Ask with -x, so that a finished job is found while the history keeps it.

        A server without history refuses -x even for a running job: then ask without.
        """
        history = ["-x"] if self._has_history else []
        return ["qstat", *history, "-f", "-F", "json", job_id]

    def report(self, job_id: str, answer: Answer) -> JobReport | None:
        """Read job_state, substate and Exit_status."""
        if any(words in answer.stderr for words in _UNKNOWN):
            return None
        if _NO_HISTORY in answer.stderr:
            self._has_history = False
            message = "PBS keeps no job history here, so the next query does without"
            raise ValueError(message)
        # One job's control character must not spoil the answer: hence not strict.
        job = json.loads(answer.stdout, strict=False).get("Jobs", {}).get(job_id)
        if job is None:
            message = f"qstat said nothing of job {job_id}: {answer.stderr.strip()}"
            raise ValueError(message)
        state = _STATES.get(job.get("job_state"))
        if state is None:
            message = f"qstat calls the state of {job_id} {job.get('job_state')!r}"
            raise ValueError(message)
        return JobReport(state, _outcome(job_id, job) if state is JobState.ENDED else None)

    def cancel(self, job_id: str) -> list[str]:
        """Delete by qdel(1B), queued or running."""
        return ["qdel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether the server did not answer."""
        return any(words in answer.stderr for words in _UNREACHABLE)


def _outcome(job_id: str, job: dict[str, Any]) -> Outcome:
    status, comment = job.get("Exit_status"), str(job.get("comment", ""))
    never_ran = status is None and "stime" not in job  # as when what it depended on has failed
    if job.get("substate") == _DELETED or never_ran:
        detail = comment or "the job was deleted"
        return Outcome(OutcomeKind.CANCELLED, job_id=job_id, detail=detail)
    if status in _ENDED_BY_PBS:
        return Outcome(_ENDED_BY_PBS[status], job_id=job_id, detail=comment)
    if status is not None and 0 <= status <= 255:
        return Outcome(OutcomeKind.COMPLETED, status=status, job_id=job_id, detail=comment)
    if status is not None and 256 < status < 256 + 128:
        signal = status - 256
        return Outcome(OutcomeKind.SIGNALLED, signal=signal, job_id=job_id, detail=comment)
    said = "no Exit_status" if status is None else f"Exit_status {status}"
    return Outcome(OutcomeKind.LOST, job_id=job_id, detail=f"PBS gives {said}. {comment}")
