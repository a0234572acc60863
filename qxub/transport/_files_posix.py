"""The POSIX twin: a lock on a file, and who may read it."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import errno
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_SECONDS = 10.0


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Hold the lock of an open file. Raises OSError when another process keeps it too long.

    A file system without locks does without: one write at the end of a file does not collide.
    """
    has_lock = _lock(handle)
    try:
        yield
    finally:
        if has_lock:
            os.lseek(handle, 0, os.SEEK_SET)
            os.lockf(handle, os.F_ULOCK, 0)


def _lock(handle: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.lockf(handle, os.F_TLOCK, 0)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, by system (lockf(3))
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
                raise
            return False
        else:
            return True


def restrict_to_owner(path: Path) -> None:
    """Take every permission from group and others, whatever the umask."""
    path.chmod(0o700 if path.is_dir() else 0o600)
