"""The embedded batch system: which job runs when."""

from __future__ import annotations

import re
import time

import pytest

from qxub.quantities import format_memory, parse_memory
from tests.execution.local_queue import CORES, LocalQueue
from tests.posix import runs_jobs
from tests.waiting import wait_until

pytestmark = runs_jobs
UNTIL_GO = "while [ ! -e go ]; do sleep 0.02; done"
ALL_CORES = f"--cpus={CORES}"


def usable_memory(batch: LocalQueue) -> int:
    """Return the machine's memory, as it is told to who asks for too much."""
    answer = batch.try_to_submit("exit 0", f"--memory={1 << 60}")
    assert answer.returncode == 65
    said = re.search(r"this machine has (\w+)", answer.stderr)
    assert said is not None
    return parse_memory(said[1])


def test_the_queue_respects_the_machine_s_cores_and_the_order(batch: LocalQueue) -> None:
    first = batch.submit(f"touch first; {UNTIL_GO}", ALL_CORES)
    batch.wait_for_file("first")
    second = batch.submit("touch second", ALL_CORES)
    third = batch.submit("[ -e second ]")
    assert batch.states(first, second, third) == ["running", "queued", "queued"]
    _, waits, behind = batch.query(first, second, third)
    assert waits["reason"] == f"waits for {CORES} cores" if CORES > 1 else "waits for 1 core"
    assert behind["reason"] in (f"waits behind {second}", "waits for 1 core")
    batch.touch("go")
    assert batch.wait(third)["status"] == 0  # not before the second, which had come earlier


@pytest.mark.skipif(CORES < 2, reason="on one core two jobs wait for that")
def test_the_queue_respects_the_machine_s_memory(batch: LocalQueue) -> None:
    most = int(usable_memory(batch) * 0.6) >> 20 << 20
    first = batch.submit(UNTIL_GO, f"--memory={most}")
    second = batch.submit("exit 0", f"--memory={most}")
    third = batch.submit("exit 0")
    _, waits, behind = batch.query(first, second, third)
    assert waits["reason"] == f"waits for {format_memory(most)} of memory"
    assert behind["reason"] == f"waits behind {second}"
    batch.touch("go")
    assert batch.wait(second)["status"] == 0


def test_more_than_there_is_is_refused(batch: LocalQueue) -> None:
    answer = batch.try_to_submit("exit 0", f"--cpus={CORES + 100}")
    assert answer.returncode == 65
    assert f"asks for {CORES + 100} cores; this machine has " in answer.stderr
    answer = batch.try_to_submit("exit 0", f"--memory={usable_memory(batch) + (1 << 20)}")
    assert answer.returncode == 65
    assert "Ask for less with --mem." in answer.stderr


def test_members_of_an_array_know_their_index(batch: LocalQueue) -> None:
    array = batch.submit("touch member-$QXUB_ARRAY_INDEX; exit $QXUB_ARRAY_INDEX", "--array=0-6:3")
    members = batch.wait_for_members(array)
    assert {index: member["status"] for index, member in members.items()} == {0: 0, 3: 3, 6: 6}
    assert sorted(path.name for path in batch.directory.glob("member-*")) == [
        "member-0",
        "member-3",
        "member-6",
    ]


def test_a_job_that_a_member_of_an_array_submits_has_no_index(batch: LocalQueue) -> None:
    batch.environment["QXUB_ARRAY_INDEX"] = "7"
    assert batch.wait(batch.submit('exit "${QXUB_ARRAY_INDEX:-4}"'))["status"] == 4


@pytest.mark.skipif(CORES < 2, reason="one core sets the limit")
def test_an_array_keeps_to_its_own_limit_and_lets_others_pass(batch: LocalQueue) -> None:
    script = f"echo $QXUB_ARRAY_INDEX >>order; {UNTIL_GO}"
    array = batch.submit(script, "--array=1-3%1")
    batch.wait_for_file("order")
    assert batch.wait(batch.submit("exit 6"))["status"] == 6
    assert batch.read("order") == "1\n"
    members = batch.query(array)[0]["members"]
    assert members["2"]["reason"] == "waits for its turn: at most 1 of this array run at once"
    batch.touch("go")
    batch.wait_for_members(array)
    assert batch.read("order") == "1\n2\n3\n"


def test_one_member_can_be_asked_for(batch: LocalQueue) -> None:
    array = batch.submit("exit $QXUB_ARRAY_INDEX", "--array=3-4")
    batch.wait_for_members(array)
    member, unknown = batch.query("1[4].local", "1[5].local")
    assert (member["status"], unknown) == (4, None)


def test_one_member_is_cancelled_and_the_others_run(batch: LocalQueue) -> None:
    array = batch.submit(UNTIL_GO, "--array=1-3%1")
    number = array.partition(".")[0]
    for index in (1, 3):  # the one that runs, and one that waits
        assert batch.call("cancel", f"{number}[{index}].local").returncode == 0
    batch.touch("go")
    members = batch.wait_for_members(array)
    assert [members[index]["kind"] for index in (1, 2, 3)] == [
        "cancelled",
        "completed",
        "cancelled",
    ]


@pytest.mark.parametrize(
    ("condition", "status", "runs"),
    [
        ("afterok", 0, True),
        ("afterok", 3, False),
        ("afternotok", 0, False),
        ("afternotok", 3, True),
        ("afterany", 0, True),
        ("afterany", 3, True),
    ],
)
def test_dependencies_on_an_ending(
    batch: LocalQueue, condition: str, status: int, *, runs: bool
) -> None:
    first = batch.submit(f"{UNTIL_GO}; exit {status}")
    second = batch.submit("exit 5", f"--dependency={condition}:{first}")
    what = {"afterok": "success", "afternotok": "failure", "afterany": "end"}[condition]
    (waiting,) = batch.query(second)
    assert waiting["state"] == "waiting"
    assert waiting["reason"] == f"waits for the {what} of {first}"
    batch.touch("go")
    found = batch.wait(second)
    if runs:
        assert (found["kind"], found["status"]) == ("completed", 5)
    else:
        assert found["kind"] == "cancelled"
        assert found["detail"] == f"{condition}:{first} can never be met"


@pytest.mark.skipif(CORES < 2, reason="the two run beside each other")
def test_after_waits_for_a_start(batch: LocalQueue) -> None:
    blocker = batch.submit("while [ ! -e start ]; do sleep 0.02; done", ALL_CORES)
    first = batch.submit(UNTIL_GO)
    second = batch.submit("touch second", f"--dependency=after:{first}")
    assert batch.states(blocker, first, second) == ["running", "queued", "waiting"]
    batch.touch("start")
    batch.wait(second)
    assert batch.states(first) == ["running"]
    batch.touch("go")


def test_what_depends_on_a_job_that_never_runs_never_runs(batch: LocalQueue) -> None:
    first = batch.submit("exit 1", "--hold")
    second = batch.submit("touch never", f"--dependency=afterok:{first}")
    third = batch.submit("touch never", f"--dependency=afterok:{second}")
    fourth = batch.submit("exit 4", f"--dependency=afterany:{third}")
    batch.call("cancel", first)
    assert batch.wait(third)["detail"] == f"afterok:{second} can never be met"
    assert batch.wait(fourth)["status"] == 4
    assert not batch.exists("never")


def test_a_job_may_wait_for_several_and_for_what_has_ended(batch: LocalQueue) -> None:
    ended = batch.submit("exit 0")
    batch.wait(ended)
    array = batch.submit(UNTIL_GO, "--array=1-2%1")
    both = [f"--dependency=afterok:{ended}", f"--dependency=afterok:{array}"]
    job = batch.submit("exit 9", *both)
    assert batch.query(job)[0]["reason"] == f"waits for the success of {array}"
    batch.touch("go")
    assert batch.wait(job)["status"] == 9


@pytest.mark.parametrize(
    ("dependency", "words"),
    [
        ("afterok:99.local", "depends on 99.local, which the queue of this machine does not know"),
        ("afterok:1.local", "depends on 1.local, which"),  # itself
        ("afterok:7[2].local", "Let it wait for the whole array: afterok:7.local."),
        ("sometime:1.local", "'sometime:1.local' is no dependency"),
    ],
)
def test_a_dependency_that_cannot_be_is_refused(
    batch: LocalQueue, dependency: str, words: str
) -> None:
    answer = batch.try_to_submit("exit 0", f"--dependency={dependency}")
    assert answer.returncode == 65
    assert words in answer.stderr
    assert batch.query("1.local") == [None]


def test_a_job_on_hold_waits_until_it_is_released(batch: LocalQueue) -> None:
    job = batch.submit("exit 2", "--hold")
    assert batch.wait(batch.submit("exit 0"))["status"] == 0
    (held,) = batch.query(job)
    assert (held["state"], held["reason"]) == ("held", "is on hold until it is released")
    assert batch.call("release", job).returncode == 0
    assert batch.wait(job)["status"] == 2


def test_a_waiting_job_can_be_put_on_hold(batch: LocalQueue) -> None:
    first = batch.submit(UNTIL_GO, ALL_CORES)
    job = batch.submit("exit 2", f"--dependency=afterany:{first}")
    assert batch.call("hold", job).returncode == 0
    batch.touch("go")
    batch.wait(first)
    assert batch.states(job) == ["held"]
    assert batch.call("release", job).returncode == 0
    assert batch.wait(job)["status"] == 2


def test_holding_what_runs_and_releasing_what_is_not_held_is_refused(batch: LocalQueue) -> None:
    job = batch.submit(UNTIL_GO)
    answer = batch.call("hold", job)
    assert answer.returncode == 65
    assert "it has started, or ended, already" in answer.stderr
    answer = batch.call("release", job)
    assert answer.returncode == 65
    assert "it is not on hold" in answer.stderr
    batch.touch("go")


def test_an_unknown_job_cannot_be_changed(batch: LocalQueue) -> None:
    for action in ("cancel", "hold", "release"):
        answer = batch.call(action, "99.local")
        assert answer.returncode == 65
        assert "does not know job 99.local" in answer.stderr


def test_ten_thousand_ended_jobs_are_kept_and_no_more(batch: LocalQueue) -> None:
    import contextlib
    import sqlite3

    batch.wait(batch.submit("exit 1"))
    (database,) = (batch.directory / "state").glob("qxub/local/*/queue.db")
    with contextlib.closing(sqlite3.connect(database)) as queue, queue:
        queue.executemany(
            "INSERT INTO jobs SELECT ?, 'r-' || ?, name, script, log, cpus, memory, walltime,"
            " member_limit, NULL, umask, submitted_at FROM jobs WHERE number = 1",
            [(number, number) for number in range(2, 10_001)],
        )
        queue.execute(
            "INSERT INTO members (job, array_index, state, kind, status)"
            " SELECT number, -1, 'ended', 'completed', 0 FROM jobs WHERE number > 1"
        )
    begin = time.monotonic()
    last = batch.submit("exit 7")
    assert last == "10001.local"
    wait_until(lambda: batch.states(last) == ["ended"])
    assert time.monotonic() - begin < 30
    first, second, newest = batch.query("1.local", "2.local", last)
    assert (first, second["status"], newest["status"]) == (None, 0, 7)
    assert batch.call("find", "r-5000").stdout == "5000.local\n"
