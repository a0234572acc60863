"""Starting and ending a ProxyCommand on POSIX: by the user's shell, in a session of its own."""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_TO_END = 2.0


def start(command: str) -> subprocess.Popen[bytes]:
    """Run `exec COMMAND` by $SHELL, as ssh_config(5) says; all streams are pipes.

    In a session of its own, so that a Ctrl-C at our terminal does not end it before us; so it has
    no terminal to ask at. Raises OSError when there is no such shell.
    """
    shell = os.environ.get("SHELL") or "/bin/sh"
    return subprocess.Popen(
        [shell, "-c", f"exec {command}"],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Give the command's return code when it has ended, or None when it has not in that time.

    It is left a zombie, where Python can do that (not on macOS before 3.13): its number stays its
    own, so that `end` may signal its process group.
    """
    deadline = time.monotonic() + seconds
    while True:
        status = _status(process)
        if status is not None or time.monotonic() >= deadline:
            return status
        time.sleep(0.01)


def _status(process: subprocess.Popen[bytes]) -> int | None:
    if process.returncode is not None or not hasattr(os, "waitid"):
        return process.poll()
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    found = os.waitid(os.P_PID, process.pid, flags)
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def end(process: subprocess.Popen[bytes], is_silent: Callable[[float], bool]) -> None:
    """End the command with all of its process group: by SIGTERM, after 2 s by SIGKILL.

    `is_silent` waits some seconds until nobody holds the command's output open any more.
    """
    deadline = time.monotonic() + SECONDS_TO_END
    _signal_group(process, signal.SIGTERM)
    is_silent(SECONDS_TO_END)
    wait(process, deadline - time.monotonic())
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    if process.returncode is None:  # else its number may by now be another's
        with contextlib.suppress(ProcessLookupError, PermissionError):  # only zombies are left
            os.killpg(process.pid, number)


def how_it_ended(status: int) -> str:
    """Say it in words, from a return code of subprocess."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by the signal {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was ended by signal {-status}"
