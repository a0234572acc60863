"""The Windows twin: a lock on a file, and who may read it."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    message = "the Windows twin is for Windows"
    raise ImportError(message)

import ctypes
import msvcrt
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_SECONDS = 10.0
LOCKED_BYTE = 0x7FFFFFFE
"""locks keep others from reading what they cover here, so it is a byte that no file has"""

# Owner and SYSTEM: full access, inherited from nobody ("Security Descriptor String Format").
_OWNER_ONLY = "D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)"
_SDDL_REVISION_1 = 1
_DACL = 0x80000004
"""DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION"""


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Hold the lock of an open file. Raises OSError when another process keeps it too long.

    Appending is a move to the end and then a write here, so without the lock two would collide.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        yield
    finally:
        os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)


def restrict_to_owner(path: Path) -> None:
    """Replace the access control list of `path` by one for its owner and the system.

    Mode bits mean nothing here. Raises OSError.
    """
    advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
    descriptor = ctypes.c_void_p()
    made = advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        _OWNER_ONLY, _SDDL_REVISION_1, ctypes.byref(descriptor), None
    )
    if not made:
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        if not advapi32.SetFileSecurityW(str(path), _DACL, descriptor):
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        ctypes.windll.kernel32.LocalFree(descriptor)
