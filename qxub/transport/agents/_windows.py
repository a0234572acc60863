r"""The Windows twin: the agent of Windows' OpenSSH listens on a named pipe; Pageant has a window.

IdentityAgent or SSH_AUTH_SOCK may name another pipe, or "pageant". The path of a Unix socket in
SSH_AUTH_SOCK is Git Bash's or Cygwin's, of no use to a Windows program. What is not said is looked
for: OpenSSH's pipe, then Pageant.
"""

from __future__ import annotations

import _winapi
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from paramiko import win_pageant

from qxub.transport.agents.stream import AgentError, read_message, too_slow

if TYPE_CHECKING:
    from qxub.transport.agents.stream import AgentStream

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

PIPES = r"\\.\pipe" + "\\"
OPENSSH_PIPE = PIPES + "openssh-ssh-agent"
BUSY_SECONDS = 4.0
"""how long the agent may serve others before it takes this connection"""
ERROR_PIPE_BUSY = 231  # System Error Codes; _winapi lacks some of these
ERROR_IO_PENDING = 997
ERROR_BROKEN_PIPE = 109


def open_stream(place: str | None) -> AgentStream | None:
    """Connect to the agent that `place` names: a pipe, "pageant", or None for what is there.

    None: there is no agent. Raises AgentError if the one that is named is not there.
    """
    named = place or os.environ.get("SSH_AUTH_SOCK", "")
    name = named.replace("/", "\\")
    if name.lower() == "pageant":
        return _open_pageant(required=True)
    if name.startswith(PIPES):
        return _open_pipe(name, required=True)
    if place is not None:
        raise AgentError(rf"{place} is neither a named pipe (\\.\pipe\…) nor pageant")
    return _open_pipe(OPENSSH_PIPE, required=False) or _open_pageant(required=False)


class PipeStream:
    """An AgentStream on a named pipe; overlapped, so that each wait has an end."""

    def __init__(self, name: str) -> None:
        access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
        self._handle = _winapi.CreateFile(
            name, access, 0, 0, _winapi.OPEN_EXISTING, _winapi.FILE_FLAG_OVERLAPPED, 0
        )

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a message and return the answer. Raises AgentError."""
        deadline = time.monotonic() + seconds
        data = len(request).to_bytes(4, "big") + request

        def receive(size: int) -> bytes:
            operation, _ = _winapi.ReadFile(self._handle, size, overlapped=True)
            count = _finish(operation, deadline, seconds)
            return bytes(operation.getbuffer() or b"")[:count]

        try:
            while data:
                operation, _ = _winapi.WriteFile(self._handle, data, overlapped=True)
                data = data[_finish(operation, deadline, seconds) :]
            return read_message(receive)
        except OSError as error:
            if error.winerror == ERROR_BROKEN_PIPE:
                raise AgentError("closed the connection") from error
            raise AgentError(f"cannot be talked to: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the pipe."""
        _winapi.CloseHandle(self._handle)


def _finish(operation: _winapi.Overlapped, deadline: float, seconds: float) -> int:
    """Wait for an overlapped operation until the deadline; return how many bytes it took."""
    left = max(0, int((deadline - time.monotonic()) * 1000))
    if _winapi.WaitForSingleObject(operation.event, left) != _winapi.WAIT_OBJECT_0:
        operation.cancel()
        operation.GetOverlappedResult(True)  # which waits until it is cancelled
        raise too_slow(seconds)
    return operation.GetOverlappedResult(False)[0]


class PageantStream:
    """An AgentStream to Pageant: a message to its window, which may hang, so in a thread."""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a message and return the answer. Raises AgentError."""
        answers: list[bytes] = []

        def ask() -> None:
            connection = win_pageant.PageantConnection()
            connection.send(len(request).to_bytes(4, "big") + request)

            def receive(size: int) -> bytes:
                data = connection.recv(size)
                return data if isinstance(data, bytes) else b""  # "" where there is no answer

            answers.append(read_message(receive))
            connection.close()

        thread = threading.Thread(target=ask, name="pageant", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            raise too_slow(seconds)
        if not answers:
            raise AgentError("gave no answer")
        return answers[0]

    def close(self) -> None:
        """Do nothing: each request stands alone."""


def _open_pageant(*, required: bool) -> PageantStream | None:
    if win_pageant.can_talk_to_agent():
        return PageantStream()
    if required:
        raise AgentError("Pageant is not running")
    return None


def _open_pipe(name: str, *, required: bool) -> PipeStream | None:
    """Open a pipe, or return None if there is none of that name and none is required."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return PipeStream(name)
        except FileNotFoundError as error:
            if required:
                raise AgentError(f"not reached: there is no pipe {name}") from error
            return None
        except OSError as error:
            if error.winerror != ERROR_PIPE_BUSY or time.monotonic() > deadline:
                raise AgentError(f"not reached at {name}: {error.strerror or error}") from error
        time.sleep(0.05)
