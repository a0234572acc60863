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
from ctypes import wintypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_SECONDS = 10.0
LOCKED_BYTE = 0x7FFFFFFE
"""locks keep others from reading what they cover here, so it is a byte that no file has"""

# Owner and SYSTEM: full access, inherited from nobody ("Security Descriptor String Format"). The
# owner by name, and not as "owner rights" (OW), which Wine does not know, nor Windows' own ssh.
_OWNER_ONLY = "D:P(A;OICI;FA;;;{owner})(A;OICI;FA;;;SY)"
_SDDL_REVISION_1 = 1
_FILE_OBJECT = 1
_OWNER = 1
_DACL = 0x80000004
"""DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION"""

_advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
_advapi32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.c_void_p)


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
    descriptor = ctypes.c_void_p()
    made = _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        _OWNER_ONLY.format(owner=_owner(path)), _SDDL_REVISION_1, ctypes.byref(descriptor), None
    )
    if not made:
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        if not _advapi32.SetFileSecurityW(str(path), _DACL, descriptor):
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        _kernel32.LocalFree(descriptor)


def _owner(path: Path) -> str:
    """Give the security identifier, S-1-…, of the file's owner. Raises OSError."""
    owner, descriptor, text = ctypes.c_void_p(), ctypes.c_void_p(), wintypes.LPWSTR()
    places = (ctypes.byref(owner), None, None, None, ctypes.byref(descriptor))
    error = _advapi32.GetNamedSecurityInfoW(str(path), _FILE_OBJECT, _OWNER, *places)
    if error:
        raise ctypes.WinError(error)
    try:
        if not _advapi32.ConvertSidToStringSidW(owner, ctypes.byref(text)):
            raise ctypes.WinError(ctypes.get_last_error())
        return text.value or ""
    finally:
        _kernel32.LocalFree(descriptor)
        _kernel32.LocalFree(text)
