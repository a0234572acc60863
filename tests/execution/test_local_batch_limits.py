"""The embedded batch system: jobs that are ended, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from qxub.execution.detection import BATCH
from tests.execution.local_queue import CORES, LocalQueue
from tests.posix import runs_jobs
from tests.waiting import wait_until

pytestmark = runs_jobs
if sys.platform == "win32":  # for mypy, which knows no os.killpg there
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)
adopts_orphans = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has subreapers: prctl(2)"
)
DETACHED = "setsid bash -c 'trap \"\" TERM HUP; echo $$ >>pids; touch ready; sleep 300' &"
HOLD_MEMORY = "import time; held = b'x' * 300_000_000; open('held', 'w'); time.sleep(60)"


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that has ended may wait for its parent to notice."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()[:1] not in ("", "Z")


def pids(batch: LocalQueue) -> list[int]:
    return [int(line) for line in batch.read("pids").split()]


def test_a_running_job_is_cancelled_with_its_whole_group(batch: LocalQueue) -> None:
    job = batch.submit("(trap '' TERM; echo $BASHPID >pids; touch ready; sleep 60) & wait")
    batch.wait_for_file("ready")
    assert batch.call("cancel", job).returncode == 0
    assert batch.wait(job)["kind"] == "cancelled"
    assert not any(map(is_running, pids(batch)))


def test_a_cancelled_job_is_told_and_has_time(batch: LocalQueue) -> None:
    job = batch.submit("trap 'sleep 0.5; touch told; exit 3' TERM; touch ready; sleep 60 & wait")
    batch.wait_for_file("ready")
    batch.call("cancel", job)
    assert batch.wait(job)["kind"] == "cancelled"
    assert batch.exists("told")


def test_a_job_that_is_deaf_to_term_is_killed(batch: LocalQueue) -> None:
    job = batch.submit("trap '' TERM; touch ready; while :; do sleep 0.1; done")
    batch.wait_for_file("ready")
    begin = time.monotonic()
    batch.call("cancel", job)
    assert batch.wait(job)["kind"] == "cancelled"
    assert 9 < time.monotonic() - begin < 55


@adopts_orphans
def test_a_process_that_detached_itself_ends_with_its_job(batch: LocalQueue) -> None:
    job = batch.submit(f"{DETACHED} while [ ! -e ready ]; do sleep 0.02; done; exit 3")
    assert batch.wait(job)["status"] == 3
    assert not any(map(is_running, pids(batch)))


@adopts_orphans
def test_a_process_that_detached_itself_is_told_of_the_end(batch: LocalQueue) -> None:
    job = batch.submit("setsid bash -c 'trap \"touch told\" TERM; touch ready; sleep 60' & wait")
    batch.wait_for_file("ready")
    batch.call("cancel", job)
    batch.wait(job)
    assert batch.exists("told")


def test_a_queued_job_is_cancelled_before_it_starts(batch: LocalQueue) -> None:
    first = batch.submit("sleep 60", f"--cpus={CORES}")
    second = batch.submit("touch never")
    batch.call("cancel", second)
    assert batch.query(second)[0]["kind"] == "cancelled"
    batch.call("cancel", first)
    batch.wait(first)
    assert not batch.exists("never")


def test_cancelling_what_has_ended_changes_nothing(batch: LocalQueue) -> None:
    job = batch.submit("exit 3")
    batch.wait(job)
    assert batch.call("cancel", job).returncode == 0
    assert batch.query(job)[0]["status"] == 3


def test_walltime_is_enforced(batch: LocalQueue) -> None:
    found = batch.wait(batch.submit("sleep 60", "--walltime=1"))
    assert found["kind"] == "walltime exceeded"
    assert 1 <= found["ended_at"] - found["started_at"] < 30


@pytest.mark.parametrize("detached", ["", "setsid "])
def test_a_job_that_takes_more_memory_than_it_asked_for_is_ended(
    batch: LocalQueue, detached: str
) -> None:
    script = f'{detached}{sys.executable} -c "{HOLD_MEMORY}" & wait'
    found = batch.wait(batch.submit(script, "--memory=200000000"))
    assert found["kind"] == "out of memory"
    assert 200_000_000 < found["memory_peak"] < 400_000_000


def test_a_job_that_keeps_to_its_memory_runs(batch: LocalQueue) -> None:
    script = f'{sys.executable} -c "{HOLD_MEMORY}" & while [ ! -e held ]; do sleep 0.1; done'
    found = batch.wait(batch.submit(f"{script}; sleep 1; exit 3", "--memory=400000000"))
    assert (found["kind"], found["status"]) == ("completed", 3)
    assert 300_000_000 < found["memory_peak"] < 400_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is shared")
def test_memory_that_processes_share_counts_once(batch: LocalQueue) -> None:
    share = (
        "import os, time; held = b'x' * 120_000_000; os.fork() and os.fork();"
        " time.sleep(2); os._exit(0)"
    )
    script = f'{sys.executable} -c "{share}"; sleep 0.5; exit 3'
    found = batch.wait(batch.submit(script, "--memory=200000000"))
    assert (found["kind"], found["status"]) == ("completed", 3)


def test_a_killed_supervisor_is_noticed_when_its_job_has_gone(batch: LocalQueue) -> None:
    script = "echo $$ >pids; touch ready; while [ ! -e go ]; do sleep 0.02; done; touch ended"
    job = batch.submit(script, f"--cpus={CORES}")
    batch.wait_for_file("ready")
    os.kill(batch.supervisor(job), signal.SIGKILL)
    next_one = batch.submit("[ -e ended ]")
    assert batch.states(job, next_one) == ["running", "queued"]  # it still has its cores
    batch.touch("go")
    found = batch.wait(job)
    assert (found["kind"], found["status"]) == ("lost", None)
    assert found["detail"] == "its supervisor was killed, or the machine went down"
    assert batch.wait(next_one)["status"] == 0


def test_a_job_without_its_supervisor_is_cancelled(batch: LocalQueue) -> None:
    job = batch.submit("echo $$ >pids; touch ready; sleep 60")
    batch.wait_for_file("ready")
    os.kill(batch.supervisor(job), signal.SIGKILL)
    wait_until(lambda: not is_running(batch.supervisor(job)))
    batch.call("cancel", job)
    assert batch.wait(job)["kind"] == "cancelled"
    assert not any(map(is_running, pids(batch)))


def test_what_the_machine_s_end_leaves_is_lost_and_the_queue_goes_on(batch: LocalQueue) -> None:
    """All processes gone at once, as when the power fails; the next command starts the rest."""
    job = batch.submit("echo $$ >pids; touch ready; sleep 60", f"--cpus={CORES}")
    batch.wait_for_file("ready")
    queued = batch.submit("exit 4")
    os.kill(batch.supervisor(job), signal.SIGKILL)
    os.killpg(pids(batch)[0], signal.SIGKILL)
    assert batch.wait(queued)["status"] == 4
    assert batch.query(job)[0]["kind"] == "lost"


@pytest.mark.skipif(CORES < 2, reason="the two run beside each other")
def test_a_job_outlives_the_job_that_submitted_it(batch: LocalQueue) -> None:
    """A workflow engine may itself be a job."""
    inner = batch.directory / "inner.sh"
    inner.write_text(f"cd {batch.directory}; sleep 1; exit 6\n")
    submit = subprocess.list2cmdline([*BATCH, "submit", f"--log={inner}.log", str(inner)])
    outer = batch.submit(f"{submit} >inner; echo $$ >pids; exit 2")
    assert batch.wait(outer)["status"] == 2
    assert batch.wait(batch.read("inner").strip())["status"] == 6
