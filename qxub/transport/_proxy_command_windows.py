"""Starting and ending a ProxyCommand on Windows: by CreateProcess, without a shell."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if sys.platform != "win32":
    message = "the Windows twin is for Windows"
    raise ImportError(message)

if TYPE_CHECKING:
    from collections.abc import Callable


def start(command: str) -> subprocess.Popen[bytes]:
    """Run the command line as it is, as Windows' OpenSSH does; all streams are pipes.

    In a process group of its own, so that a Ctrl-C on our console does not end it before us.
    Raises OSError when there is no such program.
    """
    return subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
    )


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Give the command's return code when it has ended, or None when it has not in that time."""
    try:
        return process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        return None


def end(process: subprocess.Popen[bytes], is_silent: Callable[[float], bool]) -> None:
    """End the command; what it has started sees its pipes close."""
    del is_silent
    process.kill()
    process.wait()


def how_it_ended(status: int) -> str:
    """Say it in words, from a return code of subprocess."""
    return f"ended with exit status {status}"
