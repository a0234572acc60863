"""The embedded scheduler as qxub's other parts use it: by the protocol, with its real commands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from qxub.execution.detection import BATCH, find_scheduler
from qxub.execution.plan import plan_run
from qxub.execution.query import ask, look_up
from qxub.execution.submit import SubmittedJob, submit
from qxub.job import ArrayRange, JobSpec, JobState, OutcomeKind, Resources
from tests.posix import runs_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from qxub.scheduler.base import JobReport
    from tests.execution.local_queue import LocalQueue

pytestmark = runs_jobs


@pytest.fixture
def queue(batch: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> LocalQueue:
    """The queue of the fixture `batch`, which is this process's own, too."""
    monkeypatch.setenv("XDG_STATE_HOME", batch.environment["XDG_STATE_HOME"])
    return batch


def submitted(queue: LocalQueue, spec: JobSpec, run_id: str = "r-1") -> SubmittedJob:
    local = find_scheduler("local")
    place = queue.directory
    return submit(
        plan_run(spec, run_id=run_id, scheduler=local, state=place, working_directory=place)
    )


def ended(job: SubmittedJob) -> JobReport:
    def report() -> JobReport:
        found = ask(job.scheduler, [job.job_id])[job.job_id]
        assert found is not None
        return found

    wait_until(lambda: report().state is JobState.ENDED)
    return report()


def test_a_job_is_submitted_looked_up_and_asked_for(queue: LocalQueue) -> None:
    command = ("sh", "-c", "exit 3")
    asked = Resources(memory=64 << 20, cpus=1, walltime=600)
    job = submitted(queue, JobSpec(command, resources=asked))
    assert look_up(job.scheduler, "r-1") == [job.job_id]
    assert look_up(job.scheduler, "r-2") == []
    found = ended(job)
    assert found.outcome is not None
    assert (found.outcome.kind, found.outcome.status) == (OutcomeKind.COMPLETED, 3)
    assert found.submitted_at is not None
    assert abs(time.time() - found.submitted_at) < 100
    assert "cpu_time" in found.used
    assert ask(job.scheduler, [job.job_id, "99.local"])["99.local"] is None


def test_an_array_is_reported_by_its_members(queue: LocalQueue) -> None:
    job = submitted(queue, JobSpec(("sleep", "0"), array=ArrayRange(2, 6, 2, limit=2)))
    found = ended(job)
    assert found.outcome is None
    assert sorted(found.members) == [2, 4, 6]
    kinds = {member.outcome.kind for member in found.members.values() if member.outcome}
    assert kinds == {OutcomeKind.COMPLETED}


def test_hold_release_and_cancel(queue: LocalQueue) -> None:
    first = submitted(queue, JobSpec(("sleep", "60"), hold=True))
    local, job_id = first.scheduler, first.job_id
    second = submitted(queue, JobSpec(("true",), dependencies=(f"afterok:{job_id}",)), "r-2")

    def states() -> list[JobState]:
        reports = ask(local, [job_id, second.job_id])
        return [report.state for report in reports.values() if report is not None]

    def change(argv: list[str], state: JobState) -> None:
        answer = queue.call(*argv[len(BATCH) :])
        assert answer.returncode == 0, answer.stderr
        wait_until(lambda: states()[0] is state)

    assert states() == [JobState.HELD, JobState.WAITING]
    change(local.release(job_id), JobState.RUNNING)
    change(local.cancel(job_id), JobState.ENDED)
    for job in (first, second):
        outcome = ended(job).outcome
        assert outcome is not None
        assert outcome.kind is OutcomeKind.CANCELLED
