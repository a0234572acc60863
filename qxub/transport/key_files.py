"""Reading key files: whatever stands there, it neither hangs nor fills the memory."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

from qxub.transport.key_errors import KeyUnusableError

if sys.platform == "win32":
    from qxub.transport._key_file_windows import objection, open_without_waiting
else:
    from qxub.transport._key_file_posix import objection, open_without_waiting

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20
"""as ssh(1): MAX_KEY_FILE_SIZE of its authfile.h"""


def read_small_file(file: Path) -> bytes:
    """Read a whole file. Raises KeyUnusableError with the reason."""
    return _read(file)[0]


def read_private_file(file: Path) -> bytes:
    """Read a file that nobody else may read, where modes mean that. Raises KeyUnusableError."""
    data, status = _read(file)
    reason = objection(status)
    if reason:
        raise KeyUnusableError(reason)
    return data


def _read(file: Path) -> tuple[bytes, os.stat_result]:
    try:
        descriptor = open_without_waiting(file)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise KeyUnusableError("cannot be read: it is not a file")
            if status.st_size > MAX_BYTES:
                raise KeyUnusableError("is too large for a key file")
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                return stream.read(MAX_BYTES), status
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        raise KeyUnusableError("no such file") from error
    except OSError as error:
        raise KeyUnusableError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name with a NUL
        raise KeyUnusableError(f"cannot be read: {error}") from error
