"""Jobs that the controller of a real Slurm has forgotten: what its accounting says of them."""

from __future__ import annotations

import re
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from qxub.errors import RefusedError, SchedulerError
from qxub.execution.query import ask
from qxub.job import JobState, OutcomeKind
from qxub.scheduler.slurm import Slurm
from tests.execution.forgetful_cluster import (
    ForgetfulCluster,
    fail_node,
    jobs_of_every_ending,
)
from tests.execution.plans import wait_for_report
from tests.execution.test_slurm_follow import Site
from tests.execution.test_slurm_jobs import change
from tests.real import cgroups
from tests.real.listening import listening_addresses
from tests.real.processes import free_port
from tests.real.requirements import require
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from qxub.scheduler.base import JobReport
    from tests.real.slurm import Slurm as RealSlurm

if sys.platform == "win32":
    pytest.skip("Slurm needs POSIX", allow_module_level=True)

UNKNOWN = "99999"


@pytest.fixture(scope="module")
def cluster(
    larger_slurm: RealSlurm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForgetfulCluster]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", str(larger_slurm.conf))
        yield ForgetfulCluster(larger_slurm, tmp_path_factory.mktemp("accounted") / "runs")


class Sleeper(NamedTuple):
    """A qxub that was stopped while its job ran."""

    site: Site
    process: subprocess.Popen[bytes]
    job_id: str


def id_of_the_job(site: Site) -> str:
    """Wait until qxub has noted it."""
    wait_until(lambda: any(site.runs.glob("*/job_id")))
    (file,) = site.runs.glob("*/job_id")
    return file.read_text().strip()


@pytest.fixture(scope="module")
def sleeper(
    cluster: ForgetfulCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sleeper]:
    """As after Ctrl-Z; its job's script is killed meanwhile."""
    directory = tmp_path_factory.mktemp("sleeper")
    site = Site(directory, cluster.slurm)
    script = "touch started; while [ ! -e go ]; do sleep 0.1; done; kill -9 0"
    with site.start("exec", "--result", "result.json", "--", "sh", "-c", script) as process:
        try:
            wait_until((directory / "started").exists)
            job_id = id_of_the_job(site)
            process.send_signal(signal.SIGSTOP)
            (directory / "go").touch()
            yield Sleeper(site, process, job_id)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def jobs(cluster: ForgetfulCluster, sleeper: Sleeper) -> Mapping[str, str]:
    """Jobs of every ending, by what has become of them, forgotten by the controller."""
    wait_for_report(Slurm(), sleeper.job_id, lambda report: report.state is JobState.ENDED)
    made = jobs_of_every_ending(cluster)
    cluster.forgets(set(made.values()))
    return made


@pytest.fixture(scope="module")
def reports(jobs: Mapping[str, str]) -> Mapping[str, JobReport]:
    """What the accounting says of them, in one answer, however the user likes his times."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_TIME_FORMAT", "relative")
        found = ask(Slurm(), list(jobs.values()))
    return {name: report for name in jobs if (report := found[jobs[name]]) is not None}


@pytest.mark.parametrize(
    ("name", "kind", "exit_status"),
    [
        ("node failed", OutcomeKind.LOST, 75),
        ("over its walltime", OutcomeKind.WALLTIME_EXCEEDED, 124),
        ("cancelled", OutcomeKind.CANCELLED, 130),
        ("cancelled in the queue", OutcomeKind.CANCELLED, 130),
        ("exit 0", OutcomeKind.COMPLETED, 0),
        ("exit 3", OutcomeKind.COMPLETED, 3),
        ("killed", OutcomeKind.SIGNALLED, 137),
        ("waited in vain", OutcomeKind.CANCELLED, 130),
        ("cancelled when it was to run again", OutcomeKind.CANCELLED, 130),
    ],
)
def test_an_ending(
    reports: Mapping[str, JobReport], name: str, kind: OutcomeKind, exit_status: int
) -> None:
    outcome = reports[name].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.exit_status) == (kind, exit_status)


def test_out_of_memory(cluster: ForgetfulCluster, reports: Mapping[str, JobReport]) -> None:
    """Whatever the job's script made of it."""
    if not cluster.slurm.enforces_memory:
        require("cgroups", cgroups.obstacle())
    outcome = reports["out of memory"].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.exit_status) == (OutcomeKind.OUT_OF_MEMORY, 137)


def test_what_ran_has_a_node_and_times(
    cluster: ForgetfulCluster, reports: Mapping[str, JobReport]
) -> None:
    told = reports["exit 3"]
    assert (told.queue, told.nodes) == ("normal", cluster.slurm.node)
    assert list(told.used) == ["elapsed"]
    times = (told.submitted_at, told.started_at, told.ended_at)
    assert all(moment is not None and abs(moment - time.time()) < 600 for moment in times)


@pytest.mark.parametrize("name", ["cancelled in the queue", "waited in vain"])
def test_what_never_ran_has_neither_node_nor_start(
    reports: Mapping[str, JobReport], name: str
) -> None:
    told = reports[name]
    assert (told.nodes, told.started_at, told.used) == ("", None, {})
    assert told.ended_at is not None


def test_the_members_of_an_array(reports: Mapping[str, JobReport]) -> None:
    members = reports["array"].members
    endings = {index: told.outcome and told.outcome.status for index, told in members.items()}
    assert endings == {0: 0, 3: 3, 6: 6, 9: 9}


def test_members_that_never_began(reports: Mapping[str, JobReport]) -> None:
    members = reports["array cancelled"].members
    assert sorted(members) == [index for index in range(1, 301) if index % 6 != 1]
    kinds = {told.outcome.kind for told in members.values() if told.outcome}
    assert kinds == {OutcomeKind.CANCELLED}


def test_a_job_that_neither_knows(cluster: ForgetfulCluster) -> None:
    del cluster
    assert ask(Slurm(), [UNKNOWN]) == {UNKNOWN: None}


def test_an_accounting_that_is_down_says_nothing(
    cluster: ForgetfulCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a job that the controller knows nothing is lost by that."""
    held = cluster.submit("true", hold=True).job_id
    settings = cluster.slurm.conf.read_text()
    nobody = f"AccountingStoragePort={free_port()}"
    conf = tmp_path / "slurm.conf"
    conf.write_text(re.sub("AccountingStoragePort=.*", nobody, settings))
    monkeypatch.setenv("SLURM_CONF", str(conf))
    with pytest.raises(SchedulerError, match="(?s)sacct failed: .*talking to the database"):
        ask(Slurm(), [UNKNOWN])
    found = ask(Slurm(), [UNKNOWN, held])
    assert list(found) == [held]
    change(["scancel", held])


def test_the_accounting_listens_on_loopback_only(cluster: ForgetfulCluster) -> None:
    port = re.search(r"AccountingStoragePort=(\d+)", cluster.slurm.conf.read_text())
    assert port is not None
    assert listening_addresses(int(port[1])) == {"127.0.0.1"}


def test_a_project_that_is_not_ours(cluster: ForgetfulCluster) -> None:
    with pytest.raises(RefusedError) as refused:
        cluster.submit("true", project="nobodys")
    assert refused.value.hint.startswith("Name a project that you belong to")


def test_a_follower_that_slept_longer_than_the_controller_remembers(
    cluster: ForgetfulCluster, sleeper: Sleeper
) -> None:
    """Of a script that was killed there is no more than the accounting's word."""
    cluster.forgets({sleeper.job_id})
    sleeper.process.send_signal(signal.SIGCONT)
    sleeper.process.communicate()
    found = sleeper.site.result()
    assert (found["kind"], found["signal"]) == ("signalled", 9)
    assert sleeper.process.returncode == 137
    assert any(question.startswith("sacct") for question in sleeper.site.questions())


def test_a_waiting_member_that_is_deleted_by_another_hand(
    larger_slurm: RealSlurm, tmp_path: Path
) -> None:
    """Neither the controller nor the accounting has a record of it, but both of the others."""
    site = Site(tmp_path, larger_slurm)
    script = "touch started; while [ ! -e go ]; do sleep 0.1; done"
    words = ("--array", "1-4%1", "--result", "result.json", "--", "sh", "-c", script)
    with site.start("exec", *words) as process:
        wait_until((tmp_path / "started").exists)
        member = f"{id_of_the_job(site)}_3"
        assert larger_slurm.run("scancel", member).returncode == 0
        (tmp_path / "go").touch()
        process.communicate()
    assert process.returncode == 130
    kinds = {member["index"]: member["kind"] for member in site.result()["members"]}
    assert kinds == {1: "completed", 2: "completed", 3: "cancelled", 4: "completed"}


def test_a_job_whose_node_failed_is_lost_whatever_became_of_its_command(
    larger_slurm: RealSlurm, tmp_path: Path
) -> None:
    site = Site(tmp_path, larger_slurm)
    script = "trap 'exit 0' TERM; touch started; while :; do sleep 0.1; done"
    with site.start("exec", "--result", "result.json", "--", "bash", "-c", script) as process:
        wait_until((tmp_path / "started").exists)
        fail_node(larger_slurm)
        process.communicate()
    assert (process.returncode, site.result()["kind"]) == (75, "lost")
    assert "NODE_FAIL" in site.result()["message"]
