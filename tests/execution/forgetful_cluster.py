"""A Slurm whose controller forgets soon, and jobs of every ending on it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from qxub.job import ArrayRange, JobState, Resources
from qxub.scheduler.slurm import Slurm
from tests.execution.plans import wait_for_report
from tests.execution.test_slurm_jobs import Cluster, change
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.slurm import Slurm as RealSlurm

SECONDS_TO_FORGET = 60.0


class ForgetfulCluster(Cluster):
    """One whose controller forgets a job some seconds after its end."""

    def __init__(self, slurm: RealSlurm, state: Path) -> None:
        super().__init__(state)
        self.slurm = slurm

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


def fail_node(slurm: RealSlurm) -> None:
    """Have the node fail, and come back (ReturnToService of slurm.conf)."""
    node = f"nodename={slurm.node}"
    assert slurm.run("scontrol", "update", node, "state=down", "reason=test").returncode == 0
    wait_until(lambda: "idle" in slurm.run("sinfo", "-h", "-o", "%t").stdout)


def _ended_by_slurm(cluster: ForgetfulCluster) -> Iterator[tuple[str, str]]:
    failed = cluster.running("--no-requeue")
    fail_node(cluster.slurm)
    yield "node failed", failed
    late = cluster.running()
    change(["scontrol", "update", f"jobid={late}", "endtime=now+1"])  # looked at twice a minute
    yield "over its walltime", late
    if cluster.slurm.enforces_memory:
        hog = f"{sys.executable} -S -c 'x = b\"x\" * (300 << 20)'; exit 0"
        job = cluster.submit(hog, resources=Resources(memory=100 << 20))
        yield "out of memory", job.job_id


def _ended_by_hand(cluster: ForgetfulCluster) -> Iterator[tuple[str, str]]:
    yield "cancelled", cluster.running()
    again = cluster.running("--requeue")
    change(["scontrol", "requeue", again])
    wait_for_report(Slurm(), again, lambda report: report.state is JobState.WAITING)
    yield "cancelled when it was to run again", again
    yield "cancelled in the queue", cluster.submit("true", hold=True).job_id
    array = cluster.submit("true", array=ArrayRange(1, 300), hold=True).job_id
    some = ",".join(str(index) for index in range(1, 300, 6))
    change(["scancel", f"{array}_[{some}]"])  # of which there is no record
    yield "array cancelled", array


def _ended_by_themselves(cluster: ForgetfulCluster) -> Iterator[tuple[str, str]]:
    yield "exit 0", cluster.submit("exit 0").job_id
    yield "killed", cluster.submit("kill -9 $$").job_id
    failed = cluster.submit("exit 3").job_id
    yield "exit 3", failed
    yield "waited in vain", cluster.submit("true", dependencies=(f"afterok:{failed}",)).job_id
    array = ArrayRange(0, 9, 3)
    yield "array", cluster.submit("exit $SLURM_ARRAY_TASK_ID", array=array).job_id


def jobs_of_every_ending(cluster: ForgetfulCluster) -> dict[str, str]:
    """Return the IDs of jobs that have ended, or are about to, by what becomes of them."""
    made = dict(_ended_by_slurm(cluster))
    for name, job_id in _ended_by_hand(cluster):
        made[name] = job_id
        change(["scancel", job_id])
    return {**made, **dict(_ended_by_themselves(cluster))}
