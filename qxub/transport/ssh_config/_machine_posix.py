"""The POSIX twin of machine.py."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows


def uid() -> int:
    """Return the user's number."""
    return os.getuid()


def system_directory() -> str:
    """Where the system's ssh_config and ssh_known_hosts are."""
    return "/etc/ssh"


def home_of(user: str) -> str | None:
    """Look up another user's home (passwd(5))."""
    import pwd  # noqa: PLC0415 - only a file that needs it needs it

    try:
        return pwd.getpwnam(user).pw_dir
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        return None


def permission_problem(path: str) -> str:
    """Say who else may write to a file of the user's: nobody may but root (ssh(1), FILES).

    A group is allowed that nobody but the owner is in, as on systems where each user has one.
    """
    status = Path(path).stat()
    if status.st_uid not in (0, os.getuid()):
        return f"belongs to user {status.st_uid}"
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if status.st_mode & stat.S_IWGRP and not _is_private_group(status.st_gid):
        return "can be written by its group"
    return ""


def _is_private_group(number: int) -> bool:
    import grp  # noqa: PLC0415 - as above
    import pwd  # noqa: PLC0415

    own = pwd.getpwuid(os.getuid()).pw_name
    try:
        members = set(grp.getgrgid(number).gr_mem)
    except KeyError:
        return False
    members |= {entry.pw_name for entry in pwd.getpwall() if entry.pw_gid == number}
    return members == {own}


def run_shell(command: str) -> int:
    """Run a command for Match exec by the user's shell, without input or output.

    Raises OSError when the shell cannot be run, and ValueError when the command dies of a signal.
    """
    shell = os.environ.get("SHELL", "/bin/sh")
    status = subprocess.run(
        [shell, "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode
    if status < 0:
        raise ValueError(f"ran {command!r}, which died of signal {-status}")
    return status
