"""Access control lists: what Windows has in place of mode bits."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

assert sys.platform == "win32"  # noqa: S101 - part of the Windows twin; mypy skips it elsewhere

# This user and SYSTEM: full access, inherited from nobody ("Security Descriptor String Format").
# The user by SID, and not as "owner rights": Windows' own ssh refuses a key with such an entry.
_OWNER_ONLY = "D:P(A;OICI;FA;;;{user})(A;OICI;FA;;;SY)"
_SDDL_REVISION_1 = 1
_DACL = 0x80000004
"""DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION"""
_TOKEN_QUERY = 8
_TOKEN_USER = 1

_advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.GetCurrentProcess.restype = wintypes.HANDLE
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
_advapi32.OpenProcessToken.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.c_void_p)
_advapi32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.c_void_p)


def restrict_to_owner(path: Path) -> None:
    """Replace the access control list of `path` by one for this user and the system.

    Raises OSError.
    """
    descriptor = ctypes.c_void_p()
    _check(
        _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
            _OWNER_ONLY.format(user=_user_sid()),
            _SDDL_REVISION_1,
            ctypes.byref(descriptor),
            None,
        )
    )
    try:
        _check(_advapi32.SetFileSecurityW(str(path), _DACL, descriptor))
    finally:
        _kernel32.LocalFree(descriptor)


def _user_sid() -> str:
    """Return the security identifier, S-1-…, of the user as whom this process runs."""
    token = wintypes.HANDLE()
    process = _kernel32.GetCurrentProcess()
    _check(_advapi32.OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)))
    try:
        size = wintypes.DWORD(256)  # TOKEN_USER: a pointer, a flag word, and a SID of 68 at most
        user = ctypes.create_string_buffer(size.value)
        _check(
            _advapi32.GetTokenInformation(token, _TOKEN_USER, user, size, ctypes.byref(size)),
        )
        text = wintypes.LPWSTR()
        sid = ctypes.c_void_p.from_buffer(user)  # TOKEN_USER begins with the pointer to it
        _check(_advapi32.ConvertSidToStringSidW(sid, ctypes.byref(text)))
    finally:
        _kernel32.CloseHandle(token)
    try:
        return text.value or ""
    finally:
        _kernel32.LocalFree(text)


def _check(succeeded: int) -> None:
    """Raise the OSError of the call that has just failed."""
    if not succeeded:
        raise ctypes.WinError(ctypes.get_last_error())
