"""What the embedded batch system reads from the operating system."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere

from qxub.execution.local_batch import machine_posix, processes_posix  # noqa: E402
from tests.waiting import wait_until  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ControlGroups:
    """A tree of control groups as cgroups(7) has it, where no test could make a real one."""

    def __init__(self, top: Path, membership: str) -> None:
        self.top = top / "cgroup"
        self.membership = top / "membership"
        self.membership.write_text(membership)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def quotas(self) -> list[float]:
        return list(machine_posix.cpu_quotas(self.membership, self.top))

    def limits(self) -> list[int]:
        return list(machine_posix.memory_limits(self.membership, self.top))


def test_limits_of_version_2_hold_with_those_above(tmp_path: Path) -> None:
    groups = ControlGroups(tmp_path, "0::/user/me\n")
    groups.write(
        **{
            "user/me/cpu.max": "150000 100000\n",
            "user/cpu.max": "max 100000\n",
            "user/me/memory.max": "max\n",
            "user/memory.max": "8589934592\n",
        }
    )
    assert groups.quotas() == [1.5]
    assert groups.limits() == [8 << 30]


def test_limits_of_version_1_are_by_controller(tmp_path: Path) -> None:
    groups = ControlGroups(tmp_path, "5:cpu,cpuacct:/job\n4:memory:/job\n1:name=systemd:/\n0::/\n")
    groups.write(
        **{
            "cpu/job/cpu.cfs_quota_us": "400000\n",
            "cpu/job/cpu.cfs_period_us": "100000\n",
            "cpu/cpu.cfs_quota_us": "-1\n",
            "cpu/cpu.cfs_period_us": "100000\n",
            "memory/job/memory.limit_in_bytes": "1073741824\n",
        }
    )
    assert groups.quotas() == [4.0]
    assert groups.limits() == [1 << 30]


def test_a_container_that_sees_its_own_group_as_the_root(tmp_path: Path) -> None:
    groups = ControlGroups(tmp_path, "0::/../outside\n")
    groups.write(**{"cpu.max": "200000 100000\n", "memory.max": "1073741824\n"})
    assert groups.quotas() == [2.0]
    assert groups.limits() == [1 << 30]


def test_without_control_groups_nothing_limits(tmp_path: Path) -> None:
    assert list(machine_posix.cpu_quotas(tmp_path / "none", tmp_path)) == []


def test_the_affinity_of_a_process_counts() -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity masks")
    code = (
        "import os; from qxub.execution.local_batch import machine_posix;"
        " os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        " print(machine_posix.usable_cores())"
    )
    assert subprocess.check_output([sys.executable, "-c", code]) == b"1\n"


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child that has a child, which holds memory."""
    hold = f'{sys.executable} -c "held = bytearray(90_000_000); input()"'
    script = f"(sleep 60 & {hold}) & sleep 60 & wait"
    process = subprocess.Popen(
        ["bash", "-c", f"exec 3<&0; ({hold} <&3 & sleep 60) & {script}"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    yield process
    os.killpg(process.pid, 9)
    process.communicate()


@pytest.mark.parametrize("way", ["proc", "ps"])
def test_descendants_and_their_memory(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """By ps(1), as on systems without /proc, the same is found."""
    if way == "ps":
        monkeypatch.setattr(processes_posix, "HAS_PROC", False)
        monkeypatch.setattr(processes_posix, "HAS_CHILDREN", False)
    elif not processes_posix.HAS_CHILDREN:
        pytest.skip("this system does not tell children by /proc")

    def find() -> list[int]:
        return processes_posix.descendants(family.pid, spared=())

    wait_until(lambda: 90_000_000 <= processes_posix.resident_size(find()) < 300_000_000)
    found = find()
    assert len(found) == len(set(found)) >= 4
    assert family.pid not in found
    (spared, *_) = [pid for pid in found if processes_posix.descendants(pid, spared=())]
    assert spared not in processes_posix.descendants(family.pid, spared={spared})
    assert len(processes_posix.descendants(family.pid, spared={spared})) < len(found) - 1


def test_memory_of_what_has_ended_is_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert processes_posix.resident_size([process.pid]) == 0
    assert processes_posix.proportional_size([process.pid]) == 0
