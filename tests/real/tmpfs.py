"""Small disks, which fill up."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """A small file system in memory. As root."""
    if sys.platform == "win32" or os.geteuid() != 0:
        require("tmpfs", "only root can mount one")
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    if subprocess.run(argv, check=False).returncode:
        require("tmpfs", "it cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
