"""Memory limits for a Slurm's jobs, by the control groups (version 1) of this machine."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.processes import SECONDS_TO_START

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
HIERARCHIES = ("memory", "freezer")
"""that Slurm uses: to limit, and to find and end a job's processes"""
SETTINGS = """\
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup"""
CGROUP_CONF = """\
CgroupPlugin=cgroup/v1
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
"""


def obstacle() -> str:
    """Say what keeps Slurm from limiting memory here; "" if nothing does."""
    for name in HIERARCHIES:
        if not (ROOT / name / "cgroup.procs").exists():
            return f"no version 1 hierarchy {ROOT / name}"
        if not os.access(ROOT / name, os.W_OK):
            return f"{ROOT / name} is not writable"
    return ""


@contextlib.contextmanager
def limits(directory: Path, node: str) -> Iterator[None]:
    """Have the Slurm in `directory` limit memory; at the end remove what its node leaves behind."""
    (directory / "cgroup.conf").write_text(CGROUP_CONF)
    try:
        yield
    finally:
        for group in ROOT.glob(f"*/slurm_{node}"):
            _remove(group)


def _remove(group: Path) -> None:
    """Remove a group with those in it; the last processes may still be on their way out."""
    deadline = time.monotonic() + SECONDS_TO_START
    for folder, _, _ in os.walk(group, topdown=False):
        while True:
            try:
                Path(folder).rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                break
