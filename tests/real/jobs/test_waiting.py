"""Jobs that wait: on hold, and for other jobs; and arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.jobs.sites import vanished
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.real.jobs.sites import Desk, Ended

pytestmark = pytest.mark.timeout(300)


def submitted(desk: Desk, *words: str) -> str:
    """Submit a job that nobody follows; give its ID."""
    ended = desk.exec("--terse", *words)
    assert ended.status == 0, ended.err
    return ended.out.decode().strip()


def test_terse_prints_the_id_and_leaves(desk: Desk) -> None:
    assert submitted(desk, "--", "touch", "ran")
    wait_until((desk.work / "ran").exists)


def test_held_and_released(desk: Desk) -> None:
    with desk.following("--hold", "--", "sh", "-c", "echo ran; exit 5") as following:
        desk.site.command(desk.site.release, following.job_id())
        ended = following.ended()
    assert (ended.status, ended.kind, ended.out) == (5, "completed", b"ran\n")


def after(desk: Desk, condition: str, status: int, *words: str) -> Ended:
    """Run a job that waits for another, which ends with `status` once both are submitted.

    A scheduler without history knows nothing of a job that has ended.
    """
    script = f"while [ ! -e go ]; do sleep 0.05; done; touch first; exit {status}"
    first = submitted(desk, "--", "sh", "-c", script)
    with desk.following("--depend", f"{condition}:{first}", "--", *words) as following:
        wait_until(lambda: len(list(desk.runs.glob("*/job_id"))) == 2)
        (desk.work / "go").touch()
        return following.ended()


def test_after_the_success_of_another(desk: Desk) -> None:
    ended = after(desk, "afterok", 0, "cat", "first")
    assert (ended.status, ended.err) == (0, "")


def test_after_the_failure_of_another(desk: Desk) -> None:
    ended = after(desk, "afternotok", 1, "cat", "first")
    assert (ended.status, ended.err) == (0, "")


def test_what_it_waits_for_never_comes(desk: Desk) -> None:
    ended = after(desk, "afterok", 1, "touch", "ran")
    assert (ended.status, ended.kind) == vanished(desk)
    assert not (desk.work / "ran").exists()


INDEX = "$QXUB_ARRAY_INDEX"


def test_an_array_whose_members_all_succeed(desk: Desk) -> None:
    ended = desk.exec("--array", "1-5:2", "--cmd", "echo member ${{QXUB_ARRAY_INDEX}}")
    assert (ended.status, ended.kind) == (0, "completed")
    assert sorted(ended.out.splitlines()) == [b"member 1", b"member 3", b"member 5"]
    assert [member["index"] for member in ended.result["members"]] == [1, 3, 5]


def test_the_outcome_of_an_array_is_the_worst_of_its_members(desk: Desk) -> None:
    script = f'echo "{INDEX}"; [ "{INDEX}" != 2 ] || exit 7'
    ended = desk.exec("--array", "1-3", "--", "sh", "-c", script)
    assert (ended.status, ended.kind) == (7, "completed")
    assert sorted(ended.out.split()) == [b"1", b"2", b"3"]
    statuses = [(member["index"], member["exit_status"]) for member in ended.result["members"]]
    assert statuses == [(1, 0), (2, 7), (3, 0)]


@pytest.mark.told_by_scheduler
def test_an_array_that_is_cancelled(desk: Desk) -> None:
    script = f'touch "started.{INDEX}"; exec sleep 250'
    with desk.following("--array", "1-2", "--", "sh", "-c", script) as following:
        wait_until(lambda: list(desk.work.glob("started.*")))
        following.interrupt()
        ended = following.ended()
    assert (ended.status, ended.kind) == (130, "cancelled")


@pytest.mark.told_by_scheduler
@pytest.mark.parametrize(("deleted", "other"), [(1, 2), (2, 1)], ids=["running", "queued"])
def test_a_member_that_is_deleted_by_another_hand(desk: Desk, deleted: int, other: int) -> None:
    wait = f'while [ ! -e "go.{INDEX}" ]; do sleep 0.05; done'
    script = f'touch "started.{INDEX}"; {wait}; echo "{INDEX}"'
    with desk.following("--array", "1-2%1", "--", "sh", "-c", script) as following:
        wait_until((desk.work / "started.1").exists)
        desk.site.command(desk.site.delete, desk.site.member(following.job_id(), deleted))
        (desk.work / f"go.{other}").touch()
        ended = following.ended()
    assert ended.out == f"{other}\n".encode()
    kinds = {member["index"]: member["kind"] for member in ended.result["members"]}
    assert kinds == {deleted: ended.kind, other: "completed"}
    possible = [(130, "cancelled")]
    if desk.site.forgets:
        possible = [vanished(desk)] if deleted > other else [*possible, (143, "signalled")]
    assert (ended.status, ended.kind) in possible
