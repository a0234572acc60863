r"""The Windows twin: the agent of Windows' OpenSSH, which is a named pipe, and Pageant.

SSH_AUTH_SOCK may name another pipe, as for Windows' own ssh. The path of a Unix socket there is Git
Bash's or Cygwin's, of no use to a Windows program.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from typing import TYPE_CHECKING

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

from paramiko import win_pageant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.agents.connection import AgentConnection

PIPES = r"\\.\pipe" + "\\"
OPENSSH_PIPE = PIPES + "openssh-ssh-agent"
BUSY_SECONDS = 4.0
"""how long the agent may serve others before it takes this connection"""


class PipeConnection:
    """An open named pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, data: bytes, /) -> int:
        """Write all of `data`. Raises OSError."""
        return os.write(self._descriptor, data)

    def recv(self, size: int, /) -> bytes:
        """Read `size` bytes at most; nothing when the agent has closed. Raises OSError."""
        try:
            return os.read(self._descriptor, size)
        except BrokenPipeError:
            return b""

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._descriptor)


def open_agents() -> Iterator[AgentConnection]:
    """Connect to each agent that is there, OpenSSH's first. Raises OSError."""
    name = os.environ.get("SSH_AUTH_SOCK", "").replace("/", "\\")
    pipe = _open_pipe(name if name.startswith(PIPES) else OPENSSH_PIPE)
    if pipe is not None:
        yield pipe
    if win_pageant.can_talk_to_agent():
        yield win_pageant.PageantConnection()


def _open_pipe(name: str) -> PipeConnection | None:
    """Open a pipe, or return None if there is none of that name."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return PipeConnection(os.open(name, os.O_RDWR | os.O_BINARY))
        except FileNotFoundError:
            return None
        except OSError as error:
            # ERROR_PIPE_BUSY, which the C library has no number for, comes as EINVAL
            if error.errno != errno.EINVAL or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
