"""Every ending has one kind and one exit status."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.real import cgroups
from tests.real.jobs.sites import vanished
from tests.real.requirements import require
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.real.jobs.sites import Desk

pytestmark = pytest.mark.timeout(300)
told_by_scheduler = pytest.mark.told_by_scheduler


@pytest.mark.parametrize("status", [0, 1, 7, 130, 255])
def test_the_status_is_the_command_s_own(desk: Desk, status: int) -> None:
    ended = desk.exec("--", "sh", "-c", f"echo out; echo err >&2; exit {status}")
    assert (ended.status, ended.out, ended.err) == (status, b"out\n", "err\n")
    assert (ended.kind, ended.result["exit_status"]) == ("completed", status)


def test_exit_inside_cmd(desk: Desk) -> None:
    ended = desk.exec("--cmd", "echo one | cat; exit 3; echo never")
    assert (ended.status, ended.out, ended.kind) == (3, b"one\n", "completed")


def test_a_command_that_is_not_there(desk: Desk) -> None:
    ended = desk.exec("--", "no-such-command-anywhere")
    assert (ended.status, ended.kind) == (127, "completed")
    assert "no-such-command-anywhere" in ended.err


@pytest.mark.parametrize(("name", "number"), [("KILL", 9), ("TERM", 15), ("SEGV", 11)])
def test_a_signal_is_told_from_a_status(desk: Desk, name: str, number: int) -> None:
    ended = desk.exec("--", "sh", "-c", f"echo before; kill -{name} $$")
    assert (ended.status, ended.out, ended.err) == (128 + number, b"before\n", "")
    assert (ended.kind, ended.result["signal"]) == ("signalled", number)


@pytest.mark.slow
def test_walltime(desk: Desk) -> None:
    """Slurm looks at its limits every half minute, PBS every ten seconds."""
    ended = desk.exec("--runtime", "3s", "--", "sh", "-c", "echo begun; exec sleep 200")
    assert (ended.status, ended.kind, ended.out) == (124, "walltime exceeded", b"begun\n")


@told_by_scheduler
@pytest.mark.parametrize("is_in_a_shell", [False, True], ids=["alone", "in-a-shell"])
def test_memory(desk: Desk, is_in_a_shell: bool) -> None:
    """Where the kernel kills a process of the job only, a shell tells of it as exit status 137."""
    if desk.site.name == "slurm":
        pytest.skip("this Slurm enforces no memory; slurm_larger does")
    if desk.site.name == "slurm_larger" and cgroups.obstacle():
        require("cgroups", cgroups.obstacle())
    hog = "import time; x = b'x' * (300 << 20); print(len(x) >> 20, flush=True); time.sleep(200)"
    words = [sys.executable, "-S", "-c", hog]
    if is_in_a_shell:
        words = ["sh", "-c", '"$@"; exit "$?"', "sh", *words]
    ended = desk.exec("--mem", "200MB", "--runtime", "5m", "--", *words)
    if desk.site.is_elsewhere and (ended.kind, ended.out) == ("completed", b"300\n"):
        pytest.skip("this cluster let a job have 300 MB that had asked for 200")
    assert (ended.status, ended.kind) == (137, "out of memory")


def test_ctrl_c_while_it_runs(desk: Desk) -> None:
    script = "trap 'echo told; exit 3' TERM; touch started; while :; do sleep 0.05; done"
    with desk.following("--", "bash", "-c", script) as following:
        wait_until((desk.work / "started").exists)
        following.interrupt()
        ended = following.ended()
    assert (ended.status, ended.kind, ended.out) == (130, "cancelled", b"told\n")


def test_ctrl_c_before_it_starts(desk: Desk) -> None:
    with desk.following("--hold", "--", "touch", "ran") as following:
        following.job_id()
        following.interrupt()
        ended = following.ended()
    assert (ended.status, ended.kind, ended.out) == (130, "cancelled", b"")
    assert not (desk.work / "ran").exists()


def test_a_second_ctrl_c_leaves_the_job_alone(desk: Desk) -> None:
    script = "trap '' TERM; touch started; while [ ! -e go ]; do sleep 0.05; done; touch ended"
    with desk.following("--", "bash", "-c", script) as following:
        wait_until((desk.work / "started").exists)
        job_id = following.job_id()
        following.interrupt()
        time.sleep(0.5)
        following.interrupt()
        ended = following.ended()
    (desk.work / "go").touch()
    assert (ended.status, ended.kind) == (75, "lost")
    assert job_id in ended.err


@told_by_scheduler
def test_deleted_by_another_hand_while_it_runs(desk: Desk) -> None:
    with desk.following("--", "sh", "-c", "touch started; exec sleep 200") as following:
        wait_until((desk.work / "started").exists)
        desk.site.command(desk.site.delete, following.job_id())
        ended = following.ended()
    expected = {"cancelled": 130}
    if desk.site.forgets:  # before it could be asked, perhaps
        expected["signalled"] = 128 + signal.SIGTERM
    assert ended.status == expected[ended.kind]


def test_deleted_by_another_hand_while_it_is_queued(desk: Desk) -> None:
    with desk.following("--hold", "--", "touch", "ran") as following:
        desk.site.command(desk.site.delete, following.job_id())
        ended = following.ended()
    assert (ended.status, ended.kind) == vanished(desk)
    assert not (desk.work / "ran").exists()


def test_refused(desk: Desk) -> None:
    ended = desk.exec(*desk.site.refused, "--", "touch", "ran")
    assert (ended.status, ended.kind, ended.out) == (65, "refused", b"")
    assert ended.result["message"]
    assert not (desk.work / "ran").exists()


def test_a_queue_that_is_not_there(desk: Desk) -> None:
    if desk.site.name == "local":
        pytest.skip("the embedded scheduler has one queue")
    ended = desk.exec("--queue", "nosuchqueue", "--", "true")
    assert (ended.status, ended.kind) == (65, "refused")


@pytest.mark.parametrize(
    ("words", "status", "kind"),
    [
        (("--mem", "plenty", "--", "true"), 2, "usage"),
        (("--config", "no-such-file.yaml", "--", "true"), 78, "config"),
    ],
)
def test_nothing_is_submitted(desk: Desk, words: tuple[str, ...], status: int, kind: str) -> None:
    ended = desk.exec(*words)
    assert (ended.status, ended.kind, ended.out) == (status, kind, b"")
    assert not desk.runs.exists()


@pytest.mark.parametrize(
    "words", [("--mod", "no-such-module/1"), ("--env", "no-such-env"), ("--pre", "false")]
)
def test_a_step_before_the_command_fails(desk: Desk, words: tuple[str, str]) -> None:
    ended = desk.exec(*words, "--", "touch", "ran")
    assert (ended.status, ended.kind) == (71, "remote setup failed")
    assert not (desk.work / "ran").exists()


def test_post_comes_after_success(desk: Desk) -> None:
    ended = desk.exec("--post", "touch posted", "--", "echo", "done")
    assert (ended.status, ended.kind, ended.out) == (0, "completed", b"done\n")
    assert (desk.work / "posted").exists()


def test_post_does_not_come_after_a_failure(desk: Desk) -> None:
    ended = desk.exec("--post", "touch posted", "--", "sh", "-c", "exit 4")
    assert (ended.status, ended.kind) == (4, "completed")
    assert not (desk.work / "posted").exists()


def test_post_fails_as_itself(desk: Desk) -> None:
    ended = desk.exec("--post", "echo afterwards; exit 9", "--", "echo", "done")
    assert (ended.status, ended.kind) == (73, "post failed")
    assert ended.out == b"done\nafterwards\n"


def test_the_job_goes_on_when_its_follower_is_killed(desk: Desk) -> None:
    script = "touch started; while [ ! -e go ]; do sleep 0.05; done; touch ended"
    with desk.following("--", "sh", "-c", script) as following:
        wait_until((desk.work / "started").exists)
        following.process.kill()
        following.process.communicate()
    (desk.work / "go").touch()
    wait_until((desk.work / "ended").exists)
