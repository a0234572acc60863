"""The POSIX twin: an agent listens on a Unix socket (ssh-agent(1))."""

from __future__ import annotations

import os
import socket
import sys
import time

from qxub.transport.agents.stream import AgentError, read_message, too_slow

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

CONNECT_SECONDS = 5.0


def open_stream(place: str | None) -> SocketStream | None:
    """Connect to the agent at the path `place`, or by default at SSH_AUTH_SOCK.

    None: no agent is named. Raises AgentError if it is not there.
    """
    path = place or os.environ.get("SSH_AUTH_SOCK")
    return SocketStream(path) if path else None


class SocketStream:
    """An AgentStream on a Unix socket."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(CONNECT_SECONDS)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise AgentError(f"not reached at {path}: {error.strerror or error}") from error

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a message and return the answer. Raises AgentError."""
        deadline = time.monotonic() + seconds

        def receive(size: int) -> bytes:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            return self._socket.recv(size)

        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(len(request).to_bytes(4, "big") + request)
            return read_message(receive)
        except socket.timeout as error:
            raise too_slow(seconds) from error
        except OSError as error:
            raise AgentError(f"cannot be talked to: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
