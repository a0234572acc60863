"""Submission, queries and changes over a real Slurm."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from qxub.errors import RefusedError, SchedulerError
from qxub.execution.commands import run_command
from qxub.execution.query import ask, look_up
from qxub.execution.run_directory import RunDirectory
from qxub.execution.submit import SubmittedJob, recover, submit
from qxub.job import ArrayRange, JobSpec, JobState, OutcomeKind, Resources
from qxub.scheduler.slurm import Slurm
from tests.execution.plans import plan_of, wait_for_report

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.scheduler.base import JobReport
    from tests.real.slurm import Slurm as RealSlurm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Slurm needs POSIX")


class Cluster:
    """Where the jobs of a test go."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def submit(self, body: str, **fields: object) -> SubmittedJob:
        spec = JobSpec(("x",), **fields)  # type: ignore[arg-type]
        return submit(plan_of(Slurm(), spec, body, self._state))


@pytest.fixture
def cluster(slurm: RealSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
    return Cluster(tmp_path / "runs")


def ended(job_id: str) -> JobReport:
    return wait_for_report(Slurm(), job_id, lambda report: report.state is JobState.ENDED)


def in_state(state: JobState, job_id: str) -> JobReport:
    return wait_for_report(Slurm(), job_id, lambda report: report.state is state)


def change(argv: list[str]) -> None:
    answer = run_command(argv)
    assert answer.status == 0, answer


@pytest.mark.parametrize(
    ("body", "kind", "exit_status"),
    [
        ("exit 0", OutcomeKind.COMPLETED, 0),
        ("exit 3", OutcomeKind.COMPLETED, 3),
        ("exit 255", OutcomeKind.COMPLETED, 255),
        ("kill -9 $$", OutcomeKind.SIGNALLED, 137),
    ],
)
def test_a_job_s_end(cluster: Cluster, body: str, kind: OutcomeKind, exit_status: int) -> None:
    report = ended(cluster.submit(body).job_id)
    assert report.outcome is not None
    assert (report.outcome.kind, report.outcome.exit_status) == (kind, exit_status)
    assert report.queue == "normal"
    assert report.nodes
    assert report.ended_at is not None
    assert abs(report.ended_at - time.time()) < 60


def test_what_is_asked_for_overrules_the_environment(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBATCH_PARTITION", "short")
    monkeypatch.setenv("SBATCH_TIMELIMIT", "1")
    asked = cluster.submit("true", queue="normal", resources=Resources(walltime=600), hold=True)
    usual = cluster.submit("true", hold=True)
    found = ask(Slurm(), [asked.job_id, usual.job_id])
    assert [report and report.queue for report in found.values()] == ["normal", "short"]
    for job in (asked, usual):
        change(Slurm().cancel(job.job_id))


def test_several_jobs_are_one_question(cluster: Cluster) -> None:
    jobs = [cluster.submit(f"exit {status}").job_id for status in (1, 2)]
    held = cluster.submit("true", hold=True).job_id
    for job_id in jobs:
        ended(job_id)
    found = ask(Slurm(), [*jobs, held, "99999"])
    endings = [report and report.outcome and report.outcome.status for report in found.values()]
    assert endings == [1, 2, None, None]
    assert found["99999"] is None
    report = found[held]
    assert report is not None
    assert (report.state, report.reason) == (JobState.HELD, "JobHeldUser")
    change(Slurm().cancel(held))


def test_a_job_that_slurm_does_not_know(cluster: Cluster) -> None:
    del cluster
    assert ask(Slurm(), ["99999"]) == {"99999": None}


def test_every_member_that_waits_is_told_however_many_there_are(cluster: Cluster) -> None:
    job_id = cluster.submit("true", array=ArrayRange(0, 400, 2), hold=True).job_id
    assert sorted(in_state(JobState.HELD, job_id).members) == list(range(0, 401, 2))
    change(["scancel", *(f"{job_id}_{index}" for index in range(0, 400, 6))])
    left = [index for index in range(0, 401, 2) if index % 6 or index == 400]
    assert sorted(in_state(JobState.HELD, job_id).members) == left
    change(Slurm().cancel(job_id))
    assert sorted(ended(job_id).members) == left


def test_an_array_has_its_members(cluster: Cluster) -> None:
    body = "exit $SLURM_ARRAY_TASK_ID"
    job = cluster.submit(body, array=ArrayRange(0, 4, 2, 1), hold=True)
    queued = in_state(JobState.HELD, job.job_id)
    assert sorted(queued.members) == [0, 2, 4]
    change(Slurm().cancel(f"{job.job_id}_4"))  # before it starts: it leaves no record
    change(Slurm().release(job.job_id))
    report = ended(job.job_id)
    endings = {index: member.outcome for index, member in report.members.items()}
    assert {index: end.status for index, end in endings.items() if end} == {0: 0, 2: 2}
    assert report.outcome is None
    assert sorted(path.name for path in job.run.path.glob("scheduler.log*")) == [
        "scheduler.log.0",
        "scheduler.log.2",
    ]


def test_dependencies(cluster: Cluster) -> None:
    parent = cluster.submit("exit 1", hold=True).job_id
    after = cluster.submit("exit 4", dependencies=(f"afternotok:{parent}",)).job_id
    never = cluster.submit("true", dependencies=(f"afterok:{parent}",)).job_id
    assert in_state(JobState.WAITING, after).reason == "Dependency"
    change(Slurm().release(parent))
    outcome = ended(after).outcome
    assert outcome is not None
    assert outcome.status == 4
    deleted = ended(never).outcome  # as on PBS: it does not wait for ever
    assert deleted is not None
    assert deleted.kind is OutcomeKind.CANCELLED
    assert "DependencyNeverSatisfied" in deleted.detail


def test_a_queued_job_is_held_and_released(cluster: Cluster) -> None:
    gate = cluster.submit("true", hold=True).job_id
    job_id = cluster.submit("exit 5", dependencies=(f"afterany:{gate}",)).job_id
    change(Slurm().hold(job_id))
    assert in_state(JobState.HELD, job_id).reason == "JobHeldUser"
    change(Slurm().release(job_id))
    in_state(JobState.WAITING, job_id)
    change(Slurm().cancel(gate))
    outcome = ended(job_id).outcome
    assert outcome is not None
    assert outcome.status == 5


def test_a_running_job_is_cancelled(cluster: Cluster) -> None:
    job_id = cluster.submit("exec sleep 100").job_id
    running = in_state(JobState.RUNNING, job_id)
    assert running.started_at is not None
    change(Slurm().cancel(job_id))
    outcome = ended(job_id).outcome
    assert outcome is not None
    assert outcome.kind is OutcomeKind.CANCELLED


def test_a_run_is_found_by_its_id(cluster: Cluster) -> None:
    job = cluster.submit("true", array=ArrayRange(1, 2), hold=True)
    run_id = job.run.path.name
    assert look_up(Slurm(), run_id) == [job.job_id]
    assert look_up(Slurm(), run_id[:-1]) == []
    (job.run.path / "job_id").unlink()  # as after a crash
    assert recover(job.run, Slurm()) == job.job_id
    assert RunDirectory(job.run.path).job_id() == job.job_id
    change(Slurm().cancel(job.job_id))


@pytest.mark.parametrize(
    ("fields", "words", "way_out"),
    [
        ({"queue": "nope"}, "invalid partition specified: nope", "`sinfo` lists the partitions"),
        ({"resources": Resources(cpus=9999)}, "More processors requested", "ask for less"),
        ({"resources": Resources(memory=2**50)}, "Memory specification", "ask for less"),
        ({"resources": Resources(walltime=7200)}, "time limit is invalid", "more walltime"),
        ({"resources": Resources(gpus=1, gpu_type="v100")}, "generic resource", "--gpu-type"),
        ({"resources": Resources(disk=2**50)}, "disk specification", "--disk"),
        ({"array": ArrayRange(99998, 99999)}, "job array specification", "MaxArraySize"),
    ],
)
def test_a_refusal_has_our_reading(
    cluster: Cluster, fields: dict[str, object], words: str, way_out: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        cluster.submit("true", **fields)
    assert words in refused.value.message
    assert way_out in refused.value.hint


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("ClusterName=qxub", "", "Unable to process configuration file"),
        ("KillWait=2", "KillWait=two", "Unable to process configuration file"),
        ("SelectType=select/cons_tres", "SelectType=select/none-such", "Can't find plugin"),
        ("/munge.socket", "/no.socket", "authentication error"),
    ],
)
def test_a_client_that_cannot_speak_to_slurm_is_not_refused(
    cluster: Cluster,
    slurm: RealSlurm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    instead: str,
    words: str,
) -> None:
    conf = tmp_path / "broken.conf"
    text = slurm.conf.read_text()
    assert line in text
    conf.write_text(text.replace(line, instead))
    known = Cluster(tmp_path / "before").submit("true")
    monkeypatch.setenv("SLURM_CONF", str(conf))
    with pytest.raises(SchedulerError) as down:
        cluster.submit("true")
    assert words in down.value.message
    assert down.value.hint.startswith("Nothing was submitted.")
    with pytest.raises(SchedulerError, match=words):
        ask(Slurm(), [known.job_id])
    monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
    (run,) = tmp_path.glob("runs/*")
    assert look_up(Slurm(), run.name) == []


def test_what_slurm_would_take_for_a_pattern_is_refused(
    slurm: RealSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the home directory of DOMAIN\\user; without the refusal the job ends by signal 53."""
    monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
    (tmp_path / "a\\b").mkdir()
    log = tmp_path / "a\\b" / "log"
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\n")
    made = slurm.run("sbatch", "--parsable", f"--output={log}", str(script))
    outcome = ended(made.stdout.strip()).outcome
    assert outcome is not None
    assert (outcome.kind, outcome.signal, log.exists()) == (OutcomeKind.SIGNALLED, 53, False)
    with pytest.raises(RefusedError, match="no path with a backslash") as refused:
        Cluster(tmp_path / "a\\b" / "runs").submit("true")
    assert "XDG_STATE_HOME" in refused.value.hint


def test_a_user_s_own_filters_hide_no_job_and_spare_none(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("SQUEUE", "SCANCEL"):
        monkeypatch.setenv(f"{command}_PARTITION", "short")
        monkeypatch.setenv(f"{command}_NAMES" if command == "SQUEUE" else f"{command}_NAME", "x")
    job = cluster.submit("sleep 60")
    assert ask(Slurm(), [job.job_id])[job.job_id] is not None
    assert look_up(Slurm(), job.run.path.name) == [job.job_id]
    in_state(JobState.RUNNING, job.job_id)
    change(Slurm().cancel(job.job_id))
    outcome = ended(job.job_id).outcome
    assert outcome is not None
    assert outcome.kind is OutcomeKind.CANCELLED


def test_a_refusal_names_the_limit_of_the_partition(cluster: Cluster) -> None:
    with pytest.raises(RefusedError) as refused:
        cluster.submit("true", queue="short", resources=Resources(walltime=3600))
    assert refused.value.hint.startswith("Queue short: --runtime 1h is over 1m. ")


def test_a_partition_that_is_not_there_is_told_with_those_that_are(cluster: Cluster) -> None:
    with pytest.raises(RefusedError) as refused:
        cluster.submit("true", queue="fast")
    assert refused.value.hint.startswith("There is no queue fast; there are: normal, short")
