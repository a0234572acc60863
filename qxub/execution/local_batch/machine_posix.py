"""What this machine has to share out: the cores and the memory that this process may use."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMBERSHIP = Path("/proc/self/cgroup")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Return how many cores: by the affinity mask, and by the quota of the control group."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *(int(quota) for quota in cpu_quotas())]))


def usable_memory() -> int:
    """Return how many bytes, in whole MiB: the machine's, or the limit of the control group."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *memory_limits()]) >> 20 << 20


def cpu_quotas(
    membership: Path = _MEMBERSHIP, control_groups: Path = _CONTROL_GROUPS
) -> Iterator[float]:
    """Yield each quota that holds for this process, in cores (cgroups(7), cpu.max)."""
    for group in _groups("cpu", membership, control_groups):
        words = _words(group / "cpu.max") or (
            _words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us")
        )
        if len(words) == 2 and all(word.isdecimal() for word in words):  # "max" and -1: none
            yield int(words[0]) / int(words[1])


def memory_limits(
    membership: Path = _MEMBERSHIP, control_groups: Path = _CONTROL_GROUPS
) -> Iterator[int]:
    """Yield each limit that holds for this process, in bytes (cgroups(7), memory.max)."""
    for group in _groups("memory", membership, control_groups):
        for word in _words(group / "memory.max") or _words(group / "memory.limit_in_bytes"):
            if word.isdecimal():
                yield int(word)


def _groups(controller: str, membership: Path, control_groups: Path) -> Iterator[Path]:
    """Yield the directories of this process's groups, version 1 or 2, up to the root."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = control_groups / controller if controllers else control_groups
        group = top / name.lstrip("/")
        yield group
        yield from (parent for parent in group.parents if top == parent or top in parent.parents)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # not set here, or not with this version
        return []
