"""Servers that tests start: a log file each, a free port, and an end that is certain."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SUPERVISOR = Path(__file__).with_name("supervisor.py")
SECONDS_TO_START = 60.0  # generous: the machine may be busy with other things


class ServerDiedError(Exception):
    """A server ended, or did not answer in time. The message ends with its log."""


def find_program(name: str) -> str | None:
    """Give the path of a server or command, which may be where a user's PATH does not lead."""
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(name, path=os.pathsep.join(places))


def free_port() -> int:
    """Give a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def supervised(
    argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, its output in `log`; at the end of the block, or of this process, it ends.

    A session of its own keeps Ctrl-C on the test run from reaching the server before its clients.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), *argv],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
    with process:  # leaving it closes the supervisor's stdin, and waits
        yield process


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Poll until `ready()`; ServerDiedError if the server ends first, or after a minute."""
    deadline = time.monotonic() + SECONDS_TO_START
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            name = f"{process.args!r} (return code {process.returncode})"
            text = log.read_text(encoding="utf-8", errors="replace")
            raise ServerDiedError(f"{name} did not start; its log:\n{text}")
        time.sleep(0.05)
