"""Jobs that the controller of a real Slurm has forgotten: what its accounting says of them."""

from __future__ import annotations

import re
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from qxub.errors import RefusedError, SchedulerError
from qxub.execution.commands import run_command
from qxub.execution.query import ask
from qxub.execution.submit import submit
from qxub.job import ArrayRange, JobSpec, JobState, OutcomeKind, Resources
from qxub.scheduler.slurm import Slurm
from tests.execution.plans import plan_of, wait_for_report
from tests.execution.test_slurm_follow import Site
from tests.real import cgroups
from tests.real.processes import free_port
from tests.real.requirements import require
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from qxub.scheduler.base import JobReport
    from tests.real.slurm import Slurm as RealSlurm

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Slurm needs POSIX")
SECONDS_TO_FORGET = 60.0


class Cluster:
    """Where the jobs of this module go."""

    def __init__(self, slurm: RealSlurm, state: Path) -> None:
        self.slurm = slurm
        self._state = state

    def submit(self, body: str, **fields: object) -> str:
        spec = JobSpec(("x",), **fields)  # type: ignore[arg-type]
        return submit(plan_of(Slurm(), spec, body, self._state)).job_id

    def run(self, *argv: str) -> None:
        answer = run_command(argv)
        assert answer.status == 0, answer

    def running(self, *options: str) -> str:
        """Submit a job that runs until it is ended, by sbatch's options; its ID, when it runs."""
        argv = ("sbatch", "--parsable", "--output=/dev/null", *options, "--wrap=exec sleep 600")
        job_id = self.slurm.run(*argv).stdout.strip()
        wait_for_report(Slurm(), job_id, lambda report: report.state is JobState.RUNNING)
        return job_id

    def forgets(self, job_ids: set[str]) -> None:
        """Wait until the controller has forgotten these jobs."""
        deadline = time.monotonic() + SECONDS_TO_FORGET
        argv = ("squeue", "--states=all", "--noheader", "--Format=ArrayJobID")
        while known := job_ids & set(self.slurm.run(*argv).stdout.split()):
            assert time.monotonic() < deadline, known
            time.sleep(0.5)


@pytest.fixture(scope="module")
def cluster(larger_slurm: RealSlurm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", str(larger_slurm.conf))
        yield Cluster(larger_slurm, tmp_path_factory.mktemp("accounted") / "runs")


class Sleeper(NamedTuple):
    """A qxub that was stopped while its job ran."""

    site: Site
    process: subprocess.Popen[bytes]
    job_id: str


@pytest.fixture(scope="module")
def sleeper(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sleeper]:
    """As after Ctrl-Z; its job's script is killed meanwhile."""
    directory = tmp_path_factory.mktemp("sleeper")
    site = Site(directory, cluster.slurm)
    script = "touch started; while [ ! -e go ]; do sleep 0.1; done; kill -9 0"
    with site.start("exec", "--result", "result.json", "--", "sh", "-c", script) as process:
        try:
            wait_until((directory / "started").exists)
            process.send_signal(signal.SIGSTOP)
            (directory / "go").touch()
            (run,) = site.runs.iterdir()
            yield Sleeper(site, process, (run / "job_id").read_text().strip())
        finally:
            process.kill()


@pytest.fixture(scope="module")
def jobs(cluster: Cluster, sleeper: Sleeper) -> Mapping[str, str]:
    """Jobs of every ending, by what has become of them, forgotten by the controller."""
    made = {"slept": sleeper.job_id}
    wait_for_report(Slurm(), sleeper.job_id, lambda report: report.state is JobState.ENDED)
    made["node failed"] = cluster.running("--no-requeue")
    node = f"nodename={cluster.slurm.node}"
    cluster.run("scontrol", "update", node, "state=down", "reason=test")
    wait_until(lambda: "idle" in cluster.slurm.run("sinfo", "-h", "-o", "%t").stdout)
    made["over its walltime"] = cluster.running()
    # which Slurm looks at twice a minute
    cluster.run("scontrol", "update", f"jobid={made['over its walltime']}", "endtime=now")
    made["cancelled"] = cluster.running()
    cluster.run("scancel", made["cancelled"])
    made["cancelled when it was to run again"] = again = cluster.running("--requeue")
    cluster.run("scontrol", "requeue", again)
    wait_for_report(Slurm(), again, lambda report: report.state is JobState.WAITING)
    cluster.run("scancel", again)
    made["cancelled in the queue"] = cluster.submit("true", hold=True)
    cluster.run("scancel", made["cancelled in the queue"])
    made["exit 0"] = cluster.submit("exit 0")
    made["exit 3"] = cluster.submit("exit 3")
    made["killed"] = cluster.submit("kill -9 $$")
    made["waited in vain"] = cluster.submit("true", dependencies=(f"afterok:{made['exit 3']}",))
    made["array"] = cluster.submit("exit $SLURM_ARRAY_TASK_ID", array=ArrayRange(0, 9, 3))
    made["array cancelled"] = cluster.submit("true", array=ArrayRange(1, 90, 1, 1), hold=True)
    cluster.run("scancel", made["array cancelled"])
    if cluster.slurm.enforces_memory:
        hog = f"{sys.executable} -S -c 'x = b\"x\" * (300 << 20)'; exit 0"
        made["out of memory"] = cluster.submit(hog, resources=Resources(memory=100 << 20))
    cluster.forgets(set(made.values()))
    return made


@pytest.fixture(scope="module")
def reports(jobs: Mapping[str, str]) -> Mapping[str, JobReport]:
    """What the accounting says of them, in one answer."""
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


def test_out_of_memory(cluster: Cluster, reports: Mapping[str, JobReport]) -> None:
    """Whatever the job's script made of it."""
    if not cluster.slurm.enforces_memory:
        require("cgroups", cgroups.obstacle())
    outcome = reports["out of memory"].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.exit_status) == (OutcomeKind.OUT_OF_MEMORY, 137)


def test_what_ran_has_a_node_and_times(cluster: Cluster, reports: Mapping[str, JobReport]) -> None:
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
    assert sorted(members) == list(range(1, 91))
    kinds = {told.outcome.kind for told in members.values() if told.outcome}
    assert kinds == {OutcomeKind.CANCELLED}


def test_a_job_that_neither_knows(cluster: Cluster) -> None:
    del cluster
    assert ask(Slurm(), ["99999"]) == {"99999": None}


def test_an_accounting_that_is_down_says_nothing(
    cluster: Cluster, jobs: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a job that the controller knows nothing is lost by that."""
    held = cluster.submit("true", hold=True)
    settings = cluster.slurm.conf.read_text()
    nobody = f"AccountingStoragePort={free_port()}"
    conf = tmp_path / "slurm.conf"
    conf.write_text(re.sub("AccountingStoragePort=.*", nobody, settings))
    monkeypatch.setenv("SLURM_CONF", str(conf))
    with pytest.raises(SchedulerError, match="(?s)sacct failed: .*talking to the database"):
        ask(Slurm(), [jobs["killed"]])
    found = ask(Slurm(), [jobs["killed"], held])
    assert list(found) == [held]
    cluster.run("scancel", held)


def test_a_project_that_is_not_ours(cluster: Cluster) -> None:
    with pytest.raises(RefusedError) as refused:
        cluster.submit("true", project="nobodys")
    assert refused.value.hint.startswith("Name a project that you belong to")


def test_a_follower_that_slept_longer_than_the_controller_remembers(
    jobs: Mapping[str, str], sleeper: Sleeper
) -> None:
    """Of a script that was killed there is no more than the accounting's word."""
    del jobs  # by now all are forgotten
    sleeper.process.send_signal(signal.SIGCONT)
    sleeper.process.communicate()
    found = sleeper.site.result()
    assert (found["kind"], found["signal"]) == ("signalled", 9)
    assert sleeper.process.returncode == 137
    assert any(question.startswith("sacct") for question in sleeper.site.questions())
