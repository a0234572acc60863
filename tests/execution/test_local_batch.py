"""The embedded batch system: how jobs are submitted, run and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qxub.execution.detection import BATCH
from tests.execution.local_queue import CORES, LocalQueue
from tests.posix import runs_jobs
from tests.waiting import wait_until

pytestmark = runs_jobs
if sys.platform == "win32":  # for mypy, which knows no os.killpg there
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere

from qxub.execution.local_batch.dispatch_posix import dispatch  # noqa: E402
from qxub.execution.local_batch.queue_posix import LocalBatch  # noqa: E402
from qxub.execution.local_batch.submission_posix import NewJob, insert_job  # noqa: E402


@pytest.mark.parametrize("status", [0, 7, 255])
def test_a_job_s_status(batch: LocalQueue, status: int) -> None:
    found = batch.wait(batch.submit(f"exit {status}"))
    assert (found["kind"], found["status"], found["signal"]) == ("completed", status, None)
    assert found["submitted_at"] <= found["started_at"] <= found["ended_at"]


def test_a_job_s_signal(batch: LocalQueue) -> None:
    found = batch.wait(batch.submit("kill -9 $$"))
    assert (found["kind"], found["status"], found["signal"]) == ("signalled", None, 9)


def test_what_a_job_used_is_told(batch: LocalQueue) -> None:
    spin = "import time\nwhile time.process_time() < 0.3: pass\nheld = b'x' * 64_000_000"
    found = batch.wait(batch.submit(f'{sys.executable} -c "{spin}"'))
    assert 0.3 <= found["cpu_time"] < 30
    assert 64_000_000 <= found["memory_peak"] < 640_000_000


def test_a_job_has_a_session_and_group_of_its_own(batch: LocalQueue) -> None:
    batch.wait(batch.submit("ps -o pid=,pgid=,sid= -p $$ >ids"))
    pid, group, session = batch.read("ids").split()
    assert pid == group == session


def test_a_job_has_the_environment_and_umask_of_who_submitted_it(batch: LocalQueue) -> None:
    """Another job's supervisor may be what starts it."""
    batch.environment["WHOSE"] = "the first one's"
    first = batch.submit("while [ ! -e go ]; do sleep 0.02; done", f"--cpus={CORES}")
    batch.environment["WHOSE"] = "the second one's \udcff"
    before = os.umask(0o027)
    try:
        batch.submit('printf %s "$WHOSE" >whose.part; umask >>whose.part; mv whose.part whose')
    finally:
        os.umask(before)
    batch.touch("go")
    batch.wait_for_file("whose")
    assert (batch.directory / "whose").read_bytes() == b"the second one's \xff0027\n"
    assert batch.wait(first)["status"] == 0


def test_an_environment_is_not_kept_longer_than_needed(batch: LocalQueue) -> None:
    batch.environment["MINE"] = "a-secret-of-mine"
    job = batch.submit("while [ ! -e go ]; do sleep 0.02; done")
    (database,) = (batch.directory / "state").glob("qxub/local/*/queue.db")
    assert database.stat().st_mode & 0o077 == 0
    assert b"a-secret-of-mine" in database.read_bytes()
    batch.touch("go")
    batch.wait(job)
    assert b"a-secret-of-mine" not in database.read_bytes()


def test_signals_that_a_shell_had_ignored_reach_the_job(batch: LocalQueue) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = batch.submit("kill -INT $$; exit 3")
    finally:
        signal.signal(signal.SIGINT, before)
    assert batch.wait(job)["signal"] == signal.SIGINT


def test_jobs_survive_whoever_submitted_them(batch: LocalQueue) -> None:
    script = batch.directory / "job.sh"
    script.write_text(f"sleep 0.5; touch {batch.directory}/survived\n")
    words = [*BATCH, "submit", f"--log={script}.log", str(script)]
    submitter = subprocess.Popen(words, env=batch.environment, start_new_session=True)
    submitter.wait()
    with pytest.raises(ProcessLookupError):  # nobody is left in the submitter's group
        os.killpg(submitter.pid, signal.SIGKILL)
    batch.wait_for_file("survived")


def test_a_run_is_submitted_once_and_found_by_its_id(batch: LocalQueue) -> None:
    first = batch.submit("echo x >>ran", "--run-id=r-1", "--name=train")
    assert batch.submit("echo x >>ran", "--run-id=r-1") == first
    assert batch.call("find", "r-1").stdout == f"{first}\n"
    assert batch.call("find", "r-2").stdout == ""
    found = batch.wait(first)
    assert (found["run_id"], found["name"]) == ("r-1", "train")
    assert batch.read("ran") == "x\n"


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.2])
def test_a_submission_that_is_killed_is_all_there_or_not_at_all(
    batch: LocalQueue, delay: float
) -> None:
    """Whoever does not know submits again under the same run ID: it runs, and it runs once."""
    script = batch.directory / "job.sh"
    script.write_text(f"echo x >>{batch.directory}/ran\n")
    words = ["submit", "--run-id=r-1", f"--log={script}.log", str(script)]
    with subprocess.Popen([*BATCH, *words], env=batch.environment) as submitter:
        time.sleep(delay)
        submitter.kill()
    found = batch.call("find", "r-1").stdout.split()
    again = batch.call(*words).stdout.split()
    assert again == found or (not found and again == ["1.local"])
    assert batch.wait("1.local")["kind"] == "completed"
    assert batch.query("2.local") == [None]
    assert batch.read("ran") == "x\n"


def test_a_start_that_came_to_nothing_runs_no_other_job(
    batch: LocalQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full at the end of a transaction takes back the job, not its supervisor.

    The next job has the same number, and a supervisor of its own.
    """
    monkeypatch.setenv("XDG_STATE_HOME", batch.environment["XDG_STATE_HOME"])
    queue = LocalBatch(batch.directory / "state" / "qxub")
    script = batch.directory / "job.sh"
    script.write_text(f"echo x >>{batch.directory}/ran; sleep 1\n")
    job = NewJob(script, log=batch.directory / "log")

    def fail() -> None:
        with queue.database.transaction() as connection:
            insert_job(connection, job)
            dispatch(connection, queue.running)
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - its own
        fail()
    assert queue.submit(job) == "1.local"
    assert batch.wait("1.local")["kind"] == "completed"
    assert batch.read("ran") == "x\n"


def test_many_at_once_get_a_number_each(batch: LocalQueue) -> None:
    script = batch.directory / "job.sh"
    script.write_text("exit 0\n")
    words = [*BATCH, "submit", f"--log={script}.log", str(script)]
    environment = batch.environment
    several = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) for _ in range(8)]
    jobs = [process.communicate()[0].decode().strip() for process in several]
    assert sorted(jobs) == sorted(f"{number}.local" for number in range(1, 9))
    assert [batch.wait(job)["status"] for job in jobs] == [0] * 8


def test_one_query_asks_for_many_jobs(batch: LocalQueue) -> None:
    jobs = [batch.submit(f"exit {status}") for status in (1, 2)]
    wait_until(lambda: batch.states(*jobs) == ["ended", "ended"])
    first, unknown, second = batch.query(jobs[0], "99.local", jobs[1])
    assert (first["status"], unknown, second["status"]) == (1, None, 2)


def test_what_is_no_job_id_is_said(batch: LocalQueue) -> None:
    answer = batch.call("query", "nonsense")
    assert answer.returncode == 65
    assert "is not the ID of a job on this machine (such as 12.local)" in answer.stderr


def test_a_queue_that_cannot_be_read_is_said(batch: LocalQueue) -> None:
    batch.wait(batch.submit("exit 0"))
    (database,) = (batch.directory / "state").glob("qxub/local/*/queue.db")
    database.write_bytes(b"no database " * 100)
    answer = batch.call("query", "1.local")
    assert answer.returncode == 69
    assert f"the queue of this machine, {database}, cannot be used" in answer.stderr
    database.unlink()


def test_an_ending_that_cannot_be_recorded_at_once_is_not_lost(batch: LocalQueue) -> None:
    """As on a full disk: a job that depends on this one is not to be cancelled for that."""
    job = batch.submit("touch on; while [ ! -e go ]; do sleep 0.02; done; exit 3")
    batch.wait_for_file("on")
    supervisor = batch.supervisor(job)
    (database,) = (batch.directory / "state").glob("qxub/local/*/queue.db")
    away = database.rename(database.with_name("away"))
    database.mkdir()
    batch.touch("go")
    children = f"/proc/{supervisor}/task/{supervisor}/children"
    wait_until(lambda: not Path(children).exists() or not Path(children).read_text())
    time.sleep(1)
    database.rmdir()
    away.rename(database)
    found = batch.wait(job)
    assert (found["kind"], found["status"]) == ("completed", 3)


def test_a_run_directory_that_is_gone_ends_its_job_and_no_other(batch: LocalQueue) -> None:
    blocker = batch.submit("while [ ! -e go ]; do sleep 0.02; done", f"--cpus={CORES}")
    log = batch.directory / "gone" / "log"
    log.parent.mkdir()
    second = batch.call("submit", f"--log={log}", "/dev/null").stdout.strip()
    third = batch.submit("exit 5")
    log.parent.rmdir()
    batch.touch("go")
    batch.wait(blocker)
    assert batch.wait(third)["status"] == 5
    found = batch.wait(second)
    assert found["kind"] == "remote setup failed"
    assert str(log) in found["detail"]


def test_the_commands_run_without_the_heavy_libraries() -> None:
    code = "import sys, qxub.cli.local_batch_posix; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"paramiko", "requests", "yaml", "click"} & set(loaded)
