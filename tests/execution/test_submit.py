"""Submission is once and never again: over the fake PBS, with what can go wrong."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import qxub.execution.commands
import qxub.execution.submit
from qxub.errors import LostError, RefusedError, SchedulerError
from qxub.execution.query import ask, look_up
from qxub.execution.run_directory import RunDirectory
from qxub.execution.submit import recover, submit
from qxub.job import JobSpec, JobState, Resources
from qxub.scheduler.pbs import PbsPro
from tests.execution.plans import plan_of, wait_for_report
from tests.fakes.batch.harness import COMMANDS, FakePbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")

SUBMIT = """\
import pathlib, sys
from qxub.execution.submit import submit
from qxub.job import JobSpec
from qxub.scheduler.pbs import PbsPro
from tests.execution.plans import plan_of
plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", pathlib.Path(sys.argv[1]))
print(plan.directory, flush=True)
submit(plan)
"""


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePbs]:
    made = FakePbs(tmp_path)
    for name in ("FAKE_PBS", "HOME", "LOGNAME"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.setenv("PATH", str(COMMANDS), prepend=":")
    yield made
    made.end_all()


def job_count(pbs: FakePbs) -> int:
    return len(pbs.call("qselect", "-x")[0].split())


def test_a_submission_is_recorded(pbs: FakePbs, tmp_path: Path) -> None:
    plan = plan_of(PbsPro(), JobSpec(("x",), name="train"), "sleep 60", tmp_path / "runs")
    job = submit(plan)
    assert job.job_id == "1.pbshost"
    assert RunDirectory(plan.directory).job_id() == "1.pbshost"
    assert pbs.jobs("1.pbshost")["1.pbshost"]["Job_Name"] == "train"


def test_a_run_that_was_recorded_before_is_found_again(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    assert submit(plan).job_id == "1.pbshost"
    (plan.directory / "job_id").unlink()  # as after a crash between the submission and the record
    assert submit(plan).job_id == "1.pbshost"
    pbs.switch("down")  # what is recorded needs no scheduler
    assert submit(plan).job_id == "1.pbshost"
    (plan.directory / "job_id").write_text("")  # the machine went down, and the text with it
    monkeypatch.setattr(qxub.execution.submit, "TIME_LIMIT", 0.0)
    with pytest.raises(LostError, match=r"submitted again; whether it has a job is not known"):
        submit(plan)
    (pbs.state / "down").unlink()
    assert job_count(pbs) == 1


def test_a_run_of_another_job_is_left_alone(pbs: FakePbs, tmp_path: Path) -> None:
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    submit(plan)
    with pytest.raises(LostError, match="it was recorded for another job"):
        submit(dataclasses.replace(plan, spec=JobSpec(("y",))))
    assert job_count(pbs) == 1


def test_two_processes_with_one_run_submit_it_once(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qxub.execution.submit, "SEARCH_INTERVAL", 0.2)
    pbs.switch("slow", "2")
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    with ThreadPoolExecutor() as threads:
        found = [job.job_id for job in threads.map(submit, [plan] * 3)]
    assert (found, job_count(pbs)) == (["1.pbshost"] * 3, 1)


def test_a_recorded_run_without_a_job_is_lost(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qxub.execution.submit, "TIME_LIMIT", 1.0)
    monkeypatch.setattr(qxub.execution.submit, "SEARCH_INTERVAL", 0.2)
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    RunDirectory.create(plan.directory, plan.spec)
    with pytest.raises(LostError, match="pbs_pro has no job of it"):
        submit(plan)
    assert job_count(pbs) == 0


def test_a_refusal_has_the_scheduler_s_words_and_our_reading(pbs: FakePbs, tmp_path: Path) -> None:
    spec = JobSpec(("x",), queue="express", resources=Resources(cpus=9, walltime=60))
    with pytest.raises(RefusedError) as refused:
        submit(plan_of(PbsPro(), spec, "true", tmp_path / "runs"))
    assert "qsub: Job violates queue and/or server resource limits" in refused.value.message
    assert refused.value.hint.startswith("Queue express: --cpus 9 is over 8. ")
    assert "ask for less, or name another queue" in refused.value.hint
    assert job_count(pbs) == 0


def test_a_queue_that_is_not_there_is_told_with_those_that_are(
    pbs: FakePbs, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="Unknown queue") as refused:
        submit(plan_of(PbsPro(), JobSpec(("x",), queue="fast"), "true", tmp_path / "runs"))
    assert refused.value.hint.startswith("There is no queue fast; there are: normal, express. ")
    assert job_count(pbs) == 0


def test_a_site_s_own_refusal_is_shown(pbs: FakePbs, tmp_path: Path) -> None:
    pbs.switch("refuse", "1 Project a56 has no hours left")
    with pytest.raises(RefusedError, match="Project a56 has no hours left"):
        submit(plan_of(PbsPro(), JobSpec(("x",)), "true", tmp_path / "runs"))


def test_a_server_that_is_down_has_no_job(pbs: FakePbs, tmp_path: Path) -> None:
    pbs.switch("down")
    plan = plan_of(PbsPro(), JobSpec(("x",)), "true", tmp_path / "runs")
    with pytest.raises(SchedulerError, match="pbs_pro does not answer: Connection refused"):
        submit(plan)
    with pytest.raises(SchedulerError, match="does not answer"):
        recover(RunDirectory(plan.directory), plan.scheduler)
    (pbs.state / "down").unlink()
    assert recover(RunDirectory(plan.directory), plan.scheduler) is None


def test_an_answer_that_is_lost_is_asked_for(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """qsub takes the job and hangs: the job is found by its run ID, and not submitted again."""
    monkeypatch.setattr(qxub.execution.commands, "TIME_LIMIT", 3.0)
    pbs.switch("lost")
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    assert submit(plan).job_id == "1.pbshost"
    assert job_count(pbs) == 1


def wrap_qsub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a site's own qsub first on PATH."""
    wrapper = tmp_path / "site" / "qsub"
    wrapper.parent.mkdir()
    wrapper.write_text(f"#!/bin/sh\n{script}\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(wrapper.parent), prepend=":")


@pytest.mark.parametrize("end", ["kill -9 $$", "exit 1"])
def test_a_command_that_ends_without_a_word_is_no_refusal(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """As where a wrapper of the site's, or qsub itself, is killed after the submission."""
    wrap_qsub(tmp_path, monkeypatch, f'{COMMANDS}/qsub "$@" >/dev/null\n{end}')
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    assert submit(plan).job_id == "1.pbshost"
    assert job_count(pbs) == 1


def test_a_job_that_comes_after_the_answer_was_lost_is_found(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a busy server takes what its client has given up, and is down in between."""
    monkeypatch.setattr(qxub.execution.submit, "SEARCH_INTERVAL", 0.2)
    later = f'sleep 2; rm {pbs.state}/down; sleep 1; {COMMANDS}/qsub "$@"'
    ending = f"touch {pbs.state}/down\n({later}) >/dev/null 2>&1 &\nexit 1"
    wrap_qsub(tmp_path, monkeypatch, ending)
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    assert submit(plan).job_id == "1.pbshost"
    assert job_count(pbs) == 1


def test_a_job_that_cannot_be_recorded_is_followed_all_the_same(
    pbs: FakePbs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    wrapper = tmp_path / "site" / "qsub"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nmkdir {plan.directory}/job_id\n{COMMANDS}/qsub "$@"\n')
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(wrapper.parent), prepend=":")
        job = submit(plan)
    assert (job.job_id, job_count(pbs)) == ("1.pbshost", 1)
    assert "is job 1.pbshost cannot be recorded" in caplog.text


def test_a_server_that_hangs_leaves_it_open(
    pbs: FakePbs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qxub.execution.commands, "TIME_LIMIT", 1.0)
    monkeypatch.setattr(qxub.execution.submit, "TIME_LIMIT", 0.0)
    pbs.switch("frozen")
    plan = plan_of(PbsPro(), JobSpec(("x",), name="train"), "sleep 60", tmp_path / "runs")
    with pytest.raises(LostError, match="whether it has a job is not known") as lost:
        submit(plan)
    assert "a job named train" in lost.value.hint


def test_a_crash_between_submission_and_record(pbs: FakePbs, tmp_path: Path) -> None:
    pbs.switch("lost")
    argv = [sys.executable, "-c", SUBMIT, str(tmp_path / "runs")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        directory = process.stdout.readline().strip()
        deadline = time.monotonic() + 60
        while job_count(pbs) == 0:
            assert time.monotonic() < deadline
        process.kill()
    (pbs.state / "lost").unlink()
    run = RunDirectory(tmp_path / "runs" / directory.rpartition("/")[2])
    assert run.job_id() is None
    assert recover(run, PbsPro()) == "1.pbshost"
    pbs.switch("down")  # what is recorded needs no scheduler
    assert recover(run, PbsPro()) == "1.pbshost"
    (pbs.state / "down").unlink()
    assert job_count(pbs) == 1


def test_a_run_whose_job_the_scheduler_has_forgotten_is_lost(pbs: FakePbs, tmp_path: Path) -> None:
    pbs.switch("nohistory")
    plan = plan_of(PbsPro(), JobSpec(("x",)), "true", tmp_path / "runs")
    run = RunDirectory.create(plan.directory, plan.spec)
    assert recover(run, PbsPro()) is None
    (plan.directory / "started").touch()
    with pytest.raises(LostError, match="had a job, which pbs_pro no longer knows"):
        recover(run, PbsPro())


def test_a_run_with_two_jobs_is_told(pbs: FakePbs, tmp_path: Path) -> None:
    plan = plan_of(PbsPro(), JobSpec(("x",)), "sleep 60", tmp_path / "runs")
    run = RunDirectory.create(plan.directory, plan.spec)
    for _ in range(2):
        pbs.submit("sleep 60", "-v", f"QXUB_RUN_ID={run.path.name}")
    with pytest.raises(LostError, match=r"more than one job: 1\.pbshost, 2\.pbshost"):
        recover(run, PbsPro())


def test_all_jobs_are_one_question(pbs: FakePbs) -> None:
    one = pbs.submit("exit 3")
    array = pbs.submit("exit $PBS_ARRAY_INDEX", "-J", "0-2:2")
    held = pbs.submit("true", "-h")
    scheduler = PbsPro()
    wait_for_report(scheduler, array, lambda report: report.state is JobState.ENDED)
    wait_for_report(scheduler, one, lambda report: report.state is JobState.ENDED)
    found = ask(scheduler, [one, array, held, "999.pbshost"])
    assert found["999.pbshost"] is None
    told = {job_id: report for job_id, report in found.items() if report is not None}
    assert [told[job_id].state.value for job_id in (one, array, held)] == ["ended", "ended", "held"]
    outcome = told[one].outcome
    assert outcome is not None
    assert outcome.status == 3
    members = {index: member.outcome for index, member in told[array].members.items()}
    assert {index: end.status for index, end in members.items() if end} == {0: 0, 2: 2}


@pytest.mark.parametrize("size", ["0", "1", "200"])
def test_a_torn_answer_says_nothing(pbs: FakePbs, size: str) -> None:
    job_id = pbs.submit("sleep 60")
    pbs.switch("torn", size)
    with pytest.raises(SchedulerError, match="cannot be read"):
        ask(PbsPro(), [job_id])


def test_no_job_is_no_question(pbs: FakePbs) -> None:
    pbs.switch("down")
    assert ask(PbsPro(), []) == {}


def test_a_run_without_a_job_is_not_found(pbs: FakePbs) -> None:
    pbs.submit("sleep 60")
    assert look_up(PbsPro(), "20261123T000000-0123456789ab") == []
