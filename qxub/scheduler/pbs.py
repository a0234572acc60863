"""PBS Pro and OpenPBS: qsub(1B), qstat(1B), qselect(1B), qdel(1B), qhold(1B), qrls(1B)."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any, Callable

from qxub.errors import RefusedError, SchedulerError
from qxub.quantities import format_clock
from qxub.scheduler import pbs_queues, pbs_states, refusals
from qxub.scheduler.base import (
    Answer,
    JobReport,
    Reports,
    Submission,
    answered,
    mebibytes,
    requested_queue,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from qxub.job import JobSpec, Outcome
    from qxub.scheduler.base import LookUp, Query, QueueQuestion

RUN_VARIABLE = "QXUB_RUN_ID"
"""the variable of a job's Variable_List that holds the run ID"""
_JOB_ID = re.compile(r"^(\d+(?:\[\])?\.\S+)$", re.MULTILINE)
_MEMBER = re.compile(r"(\d+)\[(\d+)\](.*)")
_UNKNOWN = re.compile(r"Unknown Job Id (\S+)|qstat: (\S+) Job has finished")
_FINISHED = "Job has finished"
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
        """Return `#PBS` lines.

        `gpu_type` has none: on PBS the queue decides it. Raises RefusedError for an array of one
        member, which qsub does not take.
        """
        spec = submission.spec
        if spec.array is not None and len(spec.array.indices()) == 1:
            message = f"PBS takes no array of one member ({spec.array})"
            raise RefusedError(message, hint="Leave --array out, or ask for two members or more.")
        options = {
            "-N": submission.name,
            "-j": "oe",
            "-r": "n",
            "-q": requested_queue(spec),
            "-P": spec.project,
            "-J": spec.array,
            "-W": ",".join(spec.dependencies) and f"depend={','.join(spec.dependencies)}",
            "-M": spec.email,
            "-m": spec.email_options,
        }
        lines = [f"#PBS {key} {value}" for key, value in options.items() if value]
        hold = ["#PBS -h"] if spec.hold else []
        return [*lines, *hold, *(f"#PBS -l {item}" for item in _resources(spec))]

    def submit(self, submission: Submission) -> list[str]:
        """Submit by qsub(1B), which prints the job ID alone."""
        log = f"{submission.log}.^array_index^" if submission.spec.array else submission.log
        run = f"{RUN_VARIABLE}={submission.run_id}"
        return ["qsub", "-o", str(log), "-v", run, str(submission.script)]

    def job_id(self, answer: Answer) -> str | None:
        """Return the ID whole, server suffix included: commands elsewhere need it so."""
        match = _JOB_ID.search(answer.stdout)
        return match[1] if match else None

    def query(self, job_ids: Sequence[str]) -> Query:
        """Ask once for all, members included, and for ended ones while the history keeps them.

        A server without history refuses -x even for a running job: then ask without.
        """
        answer = yield from self._asked(lambda: self._qstat(job_ids))
        return self._reports(job_ids, answer)

    def look_up(self, run_id: str, user: str) -> LookUp:
        """Ask for all of the user's jobs, and see which one's Variable_List has the run ID.

        qselect(1B) cannot choose by variable.
        """
        answer = yield from self._asked(lambda: ["qselect", *self._history(), "-u", user])
        if answer.status != 0:
            message = f"qselect failed: {answer.words}"
            raise SchedulerError(message)
        job_ids = answer.stdout.split()
        if not job_ids:
            return []
        answer = yield from self._asked(lambda: self._qstat(job_ids))
        jobs = _jobs(answer)
        if not jobs:
            message = f"qstat said nothing of {len(job_ids)} jobs: {answer.words[:500]}"
            raise SchedulerError(message)
        return [
            job_id
            for job_id, job in jobs.items()
            if not _MEMBER.fullmatch(job_id)
            and job.get("Variable_List", {}).get(RUN_VARIABLE) == run_id
        ]

    def queues(self) -> QueueQuestion:
        """Ask by qstat(1B)."""
        return pbs_queues.read_queues(answered(self, (yield pbs_queues.ASK)))

    def hold(self, job_id: str) -> list[str]:
        """Hold by qhold(1B): a user's hold."""
        return ["qhold", job_id]

    def release(self, job_id: str) -> list[str]:
        """Release by qrls(1B)."""
        return ["qrls", job_id]

    def cancel(self, job_id: str) -> list[str]:
        """Delete by qdel(1B), queued or running."""
        return ["qdel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether the server did not answer."""
        return any(words in answer.stderr for words in _UNREACHABLE)

    def may_have_submitted(self, answer: Answer) -> bool:
        """Return False: qsub that says so has not reached the server."""
        del answer
        return False

    def ending_in_log(self, text: str, job_id: str) -> Outcome | None:
        """Return a limit's ending: pbs_mom(8B) writes it into the stderr of the job."""
        return pbs_states.ending_in_log(text, job_id)

    def hint(self, answer: Answer) -> str:
        """Read qsub's words (qxub.scheduler.refusals)."""
        return refusals.reading(refusals.PBS, answer.words)

    def _qstat(self, job_ids: Sequence[str]) -> list[str]:
        return ["qstat", *self._history(), "-t", "-f", "-F", "json", *job_ids]

    def _history(self) -> list[str]:
        return ["-x"] if self._has_history else []

    def _asked(self, command: Callable[[], list[str]]) -> Generator[list[str], Answer, Answer]:
        """Ask, and again where the server's history is not as it was taken to be."""
        answer = yield command()
        wrong = _NO_HISTORY if self._has_history else _FINISHED
        if wrong in answer.stderr:
            self._has_history = not self._has_history
            answer = yield command()
        return answered(self, answer)

    def _reports(self, job_ids: Sequence[str], answer: Answer) -> Reports:
        jobs = _jobs(answer)
        unknown = [match[1] or match[2] for match in _UNKNOWN.finditer(answer.stderr)]
        found: Reports = {}
        for job_id in job_ids:
            key = next((key for key in jobs if _is_same(job_id, key)), None)
            report = key and self._report(job_id, key, jobs)
            if report:
                found[job_id] = report
            elif key is None and any(_is_same(job_id, other) for other in unknown):
                found[job_id] = None
        if not found:
            message = f"qstat said nothing of {', '.join(job_ids)}: {answer.words[:500]}"
            raise SchedulerError(message)
        return found

    def _report(self, job_id: str, key: str, jobs: dict[str, Any]) -> JobReport | None:
        history = self._has_history
        report = pbs_states.read_job(job_id, jobs[key], has_history=history)
        if report is None or "[]" not in key:
            return report
        members = {}
        for other, job in jobs.items():
            match = _MEMBER.fullmatch(other)
            if match is None or f"{match[1]}[]{match[3]}" != key:
                continue
            member = pbs_states.read_job(other, job, has_history=history)
            if member is not None:
                members[int(match[2])] = member
        return dataclasses.replace(report, outcome=None, members=members)


def _resources(spec: JobSpec) -> list[str]:
    asked = spec.resources
    resources = {
        "ncpus": asked.cpus,
        "mem": asked.memory and f"{mebibytes(asked.memory)}mb",
        "walltime": asked.walltime and format_clock(asked.walltime),
        "jobfs": asked.disk and f"{mebibytes(asked.disk)}mb",
        "ngpus": asked.gpus,
        "storage": "+".join(asked.volumes),  # qsub keeps only the last of two
    }
    return [f"{name}={value}" for name, value in resources.items() if value]


def _is_same(asked: str, told: str) -> bool:
    """Return whether a job ID as asked is the one that PBS gives with its server's full name."""
    return told == asked or told.startswith(f"{asked}.")


def _jobs(answer: Answer) -> dict[str, Any]:
    """Return the jobs of the answer. One job's control character must not spoil it: not strict."""
    try:
        jobs: dict[str, Any] = json.loads(answer.stdout, strict=False).get("Jobs", {})
    except ValueError as error:
        message = f"qstat's answer cannot be read: {answer.words[:200]!r}"
        raise SchedulerError(message) from error
    return jobs
