"""The Slurm Workload Manager: sbatch(1), squeue(1), sacct(1), scontrol(1), scancel(1)."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from qxub.errors import SchedulerError
from qxub.job import JobState
from qxub.scheduler import refusals, slurm_queues
from qxub.scheduler.base import (
    COMMAND_MISSING,
    Answer,
    JobReport,
    Submission,
    answered,
    report_of_array,
)
from qxub.scheduler.slurm_options import sbatch_options
from qxub.scheduler.slurm_states import (
    SACCT_FIELDS,
    SQUEUE_FIELDS,
    never_began,
    read_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from qxub.scheduler.base import LookUp, Query, QueueQuestion, Reports

    Found = tuple[str, Optional[int], JobReport]
    """job ID, index of the member, and what is known of it"""

log = logging.getLogger(__name__)

COMMENT = "qxub:"
"""is before the run ID in a job's comment"""
_JOB_ID = re.compile(r"^(\d+)(?:;\S+)?$", re.MULTILINE)
_SACCT_ID = re.compile(r"(\d+)(?:_\[?([\d,:-]+)(?:%\d+)?\]?)?")
"""a job, a member such as 8_1, or members that ended before they began, such as 8_[2,4-9:2%1]"""
_SQUEUE_MEMBERS = re.compile(r"([\d,:-]+)(?:%\d+)?")
"""a member such as 3, or those that wait, such as 4-9:2%1, on one line; `squeue --array` has a line
for each, but (22.05) leaves out the last one of a range with a step"""
_UNKNOWN = "Invalid job id"
_NO_ACCOUNTING = "accounting storage is disabled"
_ANSWER_LOST = (
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Message receive failure",
    "auth_g_unpack",  # whose answer it is cannot be told
    "auth_g_verify",
)
_UNREACHABLE = (
    "Unable to contact slurm controller",
    "Could not establish a configuration source",
    "Unable to process configuration file",
    "Can't find plugin",
    "authentication error",
    *_ANSWER_LOST,
)


class Slurm:
    """The Slurm Workload Manager."""

    name = "slurm"
    query_interval = 2.0
    job_id_variable = "SLURM_JOB_ID"
    index_variable = "SLURM_ARRAY_TASK_ID"

    def __init__(self) -> None:
        self._has_accounting = True
        self._takes_lists = True

    def directives(self, submission: Submission) -> list[str]:
        """Return `#SBATCH` lines.

        Raises RefusedError for volumes: Slurm has no such resource, and without them the job might
        fail later; and for a run directory whose path has a backslash.
        """
        return [f"#SBATCH {option}" for option in sbatch_options(submission)]

    def submit(self, submission: Submission) -> list[str]:
        """Submit by sbatch(1); --parsable prints `ID` or `ID;CLUSTER`.

        What was asked for is given again: a variable such as SBATCH_PARTITION overrules the script,
        and is overruled by the command line.
        """
        log = str(submission.log).replace("%", "%%") + (".%a" if submission.spec.array else "")
        own = [f"--comment={COMMENT}{submission.run_id}", f"--output={log}"]
        return ["sbatch", "--parsable", *own, *sbatch_options(submission), str(submission.script)]

    def job_id(self, answer: Answer) -> str | None:
        """Return the number; sites print notices around it."""
        match = _JOB_ID.search(answer.stdout)
        return match[1] if match else None

    def query(self, job_ids: Sequence[str]) -> Query:
        """Ask the controller, which knows a job MinJobAge after its end; then the accounting.

        sacct is asked for jobs that the controller has forgotten, and for array jobs that have
        ended, of which it may have forgotten members. Where there is no accounting the controller
        has the last word.
        """
        are_several = len(job_ids) > 1
        is_list = are_several and self._takes_lists
        answer = answered(self, (yield _squeue(job_ids if is_list or not are_several else ())))
        if answer.status != 0 and is_list and _UNKNOWN in answer.stderr:
            self._takes_lists = False  # which of them is unknown it does not say
            answer = answered(self, (yield _squeue()))
        if answer.status != 0 and (are_several or _UNKNOWN not in answer.stderr):
            message = f"squeue failed: {answer.words}"
            raise SchedulerError(message)
        found = _reports(job_ids, _squeue_records(answer.stdout))
        unsure = [job_id for job_id in job_ids if _may_be_incomplete(found.get(job_id))]
        known: Reports = {job_id: found.get(job_id) for job_id in job_ids}
        if unsure and self._has_accounting:
            self._add_accounted(known, unsure, (yield _sacct(unsure)))
        return known

    def look_up(self, run_id: str, user: str) -> LookUp:
        """Ask the controller for the comments of the user's jobs."""
        argv = ["squeue", f"--user={user}", "--states=all", "--noheader"]
        answer = answered(self, (yield [*argv, "--Format=ArrayJobID:|,Comment:|"]))
        if answer.status != 0:
            message = f"squeue failed: {answer.words}"
            raise SchedulerError(message)
        lines = (line.partition("|") for line in answer.stdout.splitlines())
        wanted = f"{COMMENT}{run_id}|"
        return list(dict.fromkeys(job_id for job_id, _, comment in lines if comment == wanted))

    def queues(self) -> QueueQuestion:
        """Ask for the partitions by scontrol(1)."""
        return slurm_queues.read_partitions(answered(self, (yield slurm_queues.ASK)))

    def hold(self, job_id: str) -> list[str]:
        """Hold by scontrol(1): a user's hold."""
        return ["scontrol", "uhold", job_id]

    def release(self, job_id: str) -> list[str]:
        """Release by scontrol(1)."""
        return ["scontrol", "release", job_id]

    def cancel(self, job_id: str) -> list[str]:
        """Cancel, queued or running; TERM first, KILL after KillWait (slurm.conf(5))."""
        return ["scancel", job_id]

    def is_unavailable(self, answer: Answer) -> bool:
        """Return whether the controller did not answer."""
        return any(words in answer.stderr for words in _UNREACHABLE)

    def may_have_submitted(self, answer: Answer) -> bool:
        """Return whether the controller was reached, and its answer did not come back."""
        return any(words in answer.stderr for words in _ANSWER_LOST)

    def ending_in_log(self, text: str, job_id: str) -> None:
        """Return None: slurmctld and the accounting remember what has ended."""
        del text, job_id

    def hint(self, answer: Answer) -> str:
        """Read sbatch's words (qxub.scheduler.refusals)."""
        return refusals.reading(refusals.SLURM, answer.words)

    def _add_accounted(self, known: Reports, unsure: Sequence[str], answer: Answer) -> None:
        """Add what the accounting says of jobs of which the controller may not know all.

        Where it does not answer nothing is known of those. Raises SchedulerError where they are
        all that was asked for.
        """
        if answer.status == COMMAND_MISSING or _NO_ACCOUNTING in answer.stderr:
            self._has_accounting = False
        elif answer.status == 0:
            known.update(_accounted({job_id: known[job_id] for job_id in unsure}, answer.stdout))
        elif len(unsure) == len(known):
            message = f"sacct failed: {answer.words}"
            raise SchedulerError(message)
        else:
            log.info("sacct failed, so that nothing is known of %s: %s", unsure, answer.words)
            for job_id in unsure:
                del known[job_id]


def _squeue(job_ids: Sequence[str] = ()) -> list[str]:
    """Ask for these jobs, or for all of the user's."""
    fields = ",".join(f"{field}:|" for _, field in SQUEUE_FIELDS)
    argv = ["squeue", "--states=all", "--noheader", f"--Format={fields}"]
    return [*argv, f"--jobs={','.join(job_ids)}" if job_ids else "--me"]


def _sacct(job_ids: Sequence[str]) -> list[str]:
    fields = ",".join(field for _, field in SACCT_FIELDS)
    argv = ["sacct", f"--jobs={','.join(job_ids)}", "--allocations", "--noheader"]
    return [*argv, "--parsable2", f"--format={fields}"]


def _accounted(known: Reports, text: str) -> dict[str, JobReport]:
    """Return what sacct adds, of jobs that have ended.

    What it calls running, but the controller does not know, does not run; how it ended is not told.
    A member of which neither has a record was cancelled before it began: Slurm makes none for it.
    """
    records = list(_sacct_records(text))
    unclear = {job_id for job_id, _, report in records if report.state is not JobState.ENDED}
    ended = [record for record in records if record[2].state is JobState.ENDED]
    found = _reports(list(known), ended)
    for job_id, report in found.items():
        seen = known[job_id]
        members = {**report.members, **(seen.members if seen else {})}
        if members:
            others = None if job_id in unclear else never_began(job_id)
            found[job_id] = replace(report_of_array(members), outcome=others)
    return found


def _squeue_records(text: str) -> Iterator[Found]:
    for line in text.splitlines():
        values = line.split("|")
        if len(values) != len(SQUEUE_FIELDS) + 1:
            continue  # a site's notice
        record = dict(zip((name for name, _ in SQUEUE_FIELDS), values))
        report = read_record(record["job"], record)
        match = _SQUEUE_MEMBERS.fullmatch(record["member"])
        for index in _indices(match[1]) if match else (None,):
            yield record["job"], index, report


def _sacct_records(text: str) -> Iterator[Found]:
    for line in text.splitlines():
        record = dict(zip((name for name, _ in SACCT_FIELDS), line.split("|")))
        match = _SACCT_ID.fullmatch(record["id"])
        if match is None or len(record) != len(SACCT_FIELDS):
            continue
        report = read_record(match[1], record)
        for index in _indices(match[2]) if match[2] else (None,):
            yield match[1], index, report


def _indices(text: str) -> Iterator[int]:
    for part in text.split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1, int(step or 1))


def _reports(job_ids: Sequence[str], records: Iterable[Found]) -> dict[str, JobReport]:
    found: dict[str, JobReport] = {}
    members: dict[str, dict[int, JobReport]] = {}
    for job_id, index, report in records:
        if job_id not in job_ids:
            continue
        if index is None:
            found[job_id] = report
        else:
            members.setdefault(job_id, {})[index] = report
    return {**found, **{job_id: report_of_array(known) for job_id, known in members.items()}}


def _may_be_incomplete(report: JobReport | None) -> bool:
    return report is None or (bool(report.members) and report.state is JobState.ENDED)
