"""The POSIX twin: opening a key file, and who else may read it."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows


def open_without_waiting(file: Path) -> int:
    """Open for reading; a FIFO without a writer does not hold us up. Raises OSError."""
    return os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def objection(status: os.stat_result) -> str:
    """Say why a private key in such a file is not used, as ssh(1) judges; "" if nothing is wrong.

    As there, only our own files count: root's may be meant for a group.
    """
    if status.st_uid == os.getuid() and status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        return f"its permissions {mode:04o} are too open: others must not have access to it"
    return ""
