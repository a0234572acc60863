"""The embedded batch system, by its commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from qxub.execution.detection import BATCH
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = runs_jobs
if sys.platform == "win32":  # for mypy, which knows no os.killpg there
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Batch:
    """The batch system in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._environment = {**os.environ, "XDG_STATE_HOME": str(directory / "state")}
        self._scripts = 0

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [*BATCH, *words]
        environment = self._environment
        return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)

    def submit(self, script: str, *options: str) -> str:
        self._scripts += 1
        path = self.directory / f"job-{self._scripts}.sh"
        path.write_text(f"cd {self.directory}\n{script}\n")
        words = ["submit", "--cpus=1", *options, f"--log={path}.log", str(path)]
        answer = self.call(*words)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def query(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.call("query", job_id).stdout)
        return found

    def wait(self, job_id: str, state: str = "ended") -> dict[str, Any]:
        wait_for(lambda: self.query(job_id)["state"] == state)
        return self.query(job_id)

    def process_id(self, job_id: str) -> int:
        """Return the process ID of the job's supervisor."""
        number = job_id.partition(".")[0]
        (file,) = (self.directory / "state").glob(f"qxub/local/*/jobs/{number}/supervisor")
        return int(file.read_text())


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)


@pytest.mark.parametrize("status", [0, 7, 255])
def test_a_job_s_status(batch: Batch, status: int) -> None:
    found = batch.wait(batch.submit(f"exit {status}"))
    assert found == {"state": "ended", "reason": None, "status": status, "signal": None}


def test_a_job_s_signal(batch: Batch) -> None:
    assert batch.wait(batch.submit("kill -9 $$"))["signal"] == 9


def test_a_job_has_a_session_and_group_of_its_own(batch: Batch) -> None:
    job = batch.submit("ps -o pid=,pgid=,sid= -p $$ >ids")
    batch.wait(job)
    pid, group, session = (batch.directory / "ids").read_text().split()
    assert pid == group == session


def test_jobs_survive_whoever_submitted_them(batch: Batch) -> None:
    script = batch.directory / "job.sh"
    script.write_text(f"sleep 0.5; touch {batch.directory}/survived\n")
    words = ["submit", "--cpus=1", f"--log={script}.log", str(script)]
    environment = {**os.environ, "XDG_STATE_HOME": str(batch.directory / "state")}
    submitter = subprocess.Popen([*BATCH, *words], env=environment, start_new_session=True)
    submitter.wait()
    with pytest.raises(ProcessLookupError):  # nobody is left in the submitter's group
        os.killpg(submitter.pid, signal.SIGKILL)
    wait_for((batch.directory / "survived").exists)


def test_the_queue_respects_the_machine_s_cores_and_the_order(batch: Batch) -> None:
    first = batch.submit("touch first; while [ ! -e go ]; do sleep 0.05; done", f"--cpus={CORES}")
    wait_for((batch.directory / "first").exists)
    second = batch.submit("touch second", f"--cpus={CORES}")
    third = batch.submit("touch third; [ -e second ]")
    time.sleep(0.5)
    assert [batch.query(job)["state"] for job in (first, second, third)] == [
        "running",
        "queued",
        "queued",
    ]
    (batch.directory / "go").touch()
    assert batch.wait(third)["status"] == 0  # not before the second, which had come earlier


def test_more_cores_than_there_are_is_refused(batch: Batch) -> None:
    answer = batch.call("submit", f"--cpus={CORES + 1}", "--log=/dev/null", "/dev/null")
    assert answer.returncode == 65
    assert f"asks for {CORES + 1} cores; this machine has {CORES}" in answer.stderr


def test_a_running_job_is_cancelled_with_its_whole_group(batch: Batch) -> None:
    job = batch.submit("(trap '' TERM; touch child; sleep 60) & touch started; wait")
    wait_for((batch.directory / "child").exists)
    supervisor = batch.process_id(job)
    assert batch.call("cancel", job).returncode == 0
    assert batch.wait(job)["reason"] == "cancelled"
    left = subprocess.run(["pgrep", "-P", str(supervisor)], capture_output=True, check=False)
    assert left.stdout == b""


def test_a_queued_job_is_cancelled_before_it_starts(batch: Batch) -> None:
    first = batch.submit("sleep 60", f"--cpus={CORES}")
    second = batch.submit("touch never")
    batch.call("cancel", second)
    assert batch.wait(second)["reason"] == "cancelled"
    batch.call("cancel", first)
    batch.wait(first)
    assert not (batch.directory / "never").exists()


def test_cancelling_what_has_ended_changes_nothing(batch: Batch) -> None:
    job = batch.submit("exit 3")
    batch.wait(job)
    assert batch.call("cancel", job).returncode == 0
    assert batch.query(job)["status"] == 3


def test_walltime_is_enforced(batch: Batch) -> None:
    job = batch.submit("sleep 60", "--walltime=1")
    assert batch.wait(job)["reason"] == "walltime"


def test_a_supervisor_that_was_killed_is_noticed_and_frees_its_cores(batch: Batch) -> None:
    job = batch.submit("sleep 2", f"--cpus={CORES}")
    batch.wait(job, "running")
    os.kill(batch.process_id(job), signal.SIGKILL)
    assert batch.wait(job)["reason"] == "vanished"
    assert batch.wait(batch.submit("exit 4"))["status"] == 4


def test_an_unknown_job_is_unknown(batch: Batch) -> None:
    assert batch.query("99.local") == {"state": "unknown"}
    answer = batch.call("query", "nonsense")
    assert answer.returncode == 69
    assert "is not the ID of a job on this machine" in answer.stderr


def test_many_at_once_get_a_number_each(batch: Batch) -> None:
    script = batch.directory / "job.sh"
    script.write_text("exit 0\n")
    words = [*BATCH, "submit", "--cpus=1", f"--log={script}.log", str(script)]
    environment = {**os.environ, "XDG_STATE_HOME": str(batch.directory / "state")}
    several = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) for _ in range(8)]
    jobs = [process.communicate()[0].decode().strip() for process in several]
    assert sorted(jobs) == sorted(f"{number}.local" for number in range(1, 9))
    assert [batch.wait(job)["status"] for job in jobs] == [0] * 8


def test_the_commands_run_without_the_heavy_libraries() -> None:
    code = "import sys, qxub.cli.local_batch_posix; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"paramiko", "requests", "yaml", "click"} & set(loaded)
