"""The processes of a job: who belongs to it, and how much memory they hold.

Linux tells by /proc (proc(5)); elsewhere ps(1) does.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import contextlib
import ctypes
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_PROC = Path("/proc")
_SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)"""
HAS_PROC = (_PROC / "self" / "statm").exists()
HAS_CHILDREN = (_PROC / "self" / "task" / str(os.getpid()) / "children").exists()


def adopt_orphans() -> None:
    """Become the parent of descendants whose parents end, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(process: int, *, spared: Collection[int]) -> list[int]:
    """Return the process IDs below `process`, without the spared ones and what is below them."""
    children = _children if HAS_CHILDREN else _children_by_ps()
    found: list[int] = []
    unseen = [process]
    while unseen:
        below = [child for child in children(unseen.pop()) if child not in spared]
        found += below
        unseen += below
    return found


def resident_size(processes: Sequence[int]) -> int:
    """Return the bytes that they hold; what several share is counted for each."""
    if not HAS_PROC:
        return _resident_size_by_ps(processes)
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(page * int(words[1]) for words in map(_resident_pages, processes) if words)


def proportional_size(processes: Sequence[int]) -> int:
    """Return the bytes that they hold; what several share is counted once, where that is told."""
    return sum(_proportional_size(process) for process in processes)


def _children(process: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended
        for thread in (_PROC / str(process) / "task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _children_by_ps() -> Callable[[int], list[int]]:
    """Return what `_children` does, from one look at all processes."""
    below: dict[int, list[int]] = {}
    for line in _ps("-A", "-o", "pid=", "-o", "ppid=", "-o", "comm="):
        process, parent, name = line.split(None, 2)
        if Path(name.strip()).name != "ps":  # this very look
            below.setdefault(int(parent), []).append(int(process))
    return lambda process: below.get(process, [])


def _resident_pages(process: int) -> list[str]:
    try:
        return (_PROC / str(process) / "statm").read_text().split()
    except OSError:  # it has ended
        return []


def _resident_size_by_ps(processes: Sequence[int]) -> int:
    chosen = ",".join(map(str, processes))
    return sum(1024 * int(line) for line in _ps("-o", "rss=", "-p", chosen)) if chosen else 0


def _proportional_size(process: int) -> int:
    with contextlib.suppress(OSError):  # it has ended, or is not ours to look into
        for line in (_PROC / str(process) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return resident_size([process])


def _ps(*options: str) -> list[str]:
    answer = subprocess.run(["ps", *options], capture_output=True, text=True, check=False)
    return answer.stdout.splitlines()
