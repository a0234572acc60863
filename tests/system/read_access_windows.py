"""Reads back who may do what with a file on Windows."""

from __future__ import annotations

import ctypes
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

assert sys.platform == "win32"  # for mypy, which passes over it elsewhere

SE_FILE_OBJECT = 1
OWNER_AND_DACL = 5  # OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION
SDDL_REVISION_1 = 1


def owner_and_trustees(path: Path) -> tuple[str, set[str]]:
    """Return the owner's security identifier, and all whom the access control list names."""
    text = _descriptor(path)
    owner = re.match("O:([^:]*?)(G:|D:)", text)
    assert owner, text
    entries = re.findall(r"\(([^)]*)\)", text)
    return owner[1], {entry.split(";")[5] for entry in entries}


def _descriptor(path: Path) -> str:
    """Return owner and list in the Security Descriptor String Format: O:…D:P(A;…;…)…."""
    advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
    descriptor, text = ctypes.c_void_p(), ctypes.c_wchar_p()
    found = ctypes.byref(descriptor)
    error = advapi32.GetNamedSecurityInfoW(
        str(path), SE_FILE_OBJECT, OWNER_AND_DACL, None, None, None, None, found
    )
    if error:
        raise ctypes.WinError(error)
    if not advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
        descriptor, SDDL_REVISION_1, OWNER_AND_DACL, ctypes.byref(text), None
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    return text.value or ""  # the few bytes that Windows allocated for it are left
