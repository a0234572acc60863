"""The Windows twin of machine.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

if sys.platform != "win32":
    message = "the Windows twin is for Windows"
    raise ImportError(message)


def uid() -> int:
    """Windows numbers no users: 0, as OpenSSH has it there."""
    return 0


def system_directory() -> str:
    """Where the system's ssh_config and ssh_known_hosts are."""
    return str(Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "ssh")


def home_of(user: str) -> str | None:
    """Find no other user's home: profiles may be anywhere, and cannot be read anyway."""
    del user
    return None


def permission_problem(path: str) -> str:
    """Find nothing wrong: mode bits say nothing here, and the standard library reads no ACL.

    The profile directory, in which the file is, is closed to others by Windows' default.
    """
    del path
    return ""


def run_shell(command: str) -> int:
    """Run a command for Match exec by cmd, without input or output. Raises OSError."""
    return subprocess.run(  # noqa: S602 - the user's own command, from the user's own file
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode
