"""The bytes of a connection, below its packets: read much at once, written whole."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from qxub.transport.paramiko_hooks import SocketLike

BUFFER_BYTES = 512 * 1024
MAX_LINE_BYTES = 8192
"""OpenSSH's SSH_MAX_BANNER_LEN"""


class Pause(Exception):  # noqa: N818 - it is none of an error
    """Nothing has come for the socket's time-out, and nothing is half read."""


class Line:
    """Reads, in one thread, into a buffer; writes, one thread at a time.

    Transport gives the socket a short time-out, and closes it to end the waiting, which both sides
    of this then see. `last_heard` is when the peer last sent something.
    """

    def __init__(self, sock: SocketLike) -> None:
        self._sock = sock
        self._is_socket = isinstance(sock, socket.socket)  # not a tunnel or a ProxyCommand
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._start = self._end = 0
        self.closed = False
        self.last_heard = time.monotonic()
        self.deadline: float | None = None
        """when the peer must have been heard"""

    def close(self) -> None:
        """Close the socket."""
        self.closed = True
        self._sock.close()

    def peek(self, count: int, *, at_start: bool = False) -> memoryview:
        """Wait for `count` bytes, at most BUFFER_BYTES; give them, valid until the next call.

        Raises EOFError at the end, and, `at_start` of something, Pause.
        """
        if self._end - self._start < count:
            self._read(count, at_start=at_start)
        return self._buffer[self._start : self._start + count]

    def skip(self, count: int) -> None:
        """Be done with bytes that were peeked at."""
        self._start += count

    def read_text_line(self) -> str:
        """Read a line, without its end. Raises SSHException for one beyond reason."""
        line = bytearray()
        while len(line) <= MAX_LINE_BYTES:
            line += self.peek(1)
            self.skip(1)
            if line.endswith(b"\n"):
                return line[:-1].removesuffix(b"\r").decode("utf-8", "replace")
        raise paramiko.SSHException(f"a line of more than {MAX_LINE_BYTES} bytes came")

    def _read(self, count: int, *, at_start: bool) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + count > BUFFER_BYTES:
            rest = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        while self._end - self._start < count:
            try:
                received = self._receive(self._buffer[self._end :])
            except socket.timeout:
                if at_start and self._end == self._start:
                    raise Pause from None
                continue
            if received == 0:
                raise EOFError
            self._end += received
        self.last_heard = time.monotonic()

    def _receive(self, space: memoryview) -> int:
        """Take what has come. Raises EOFError when the line was closed here, or too late."""
        try:
            if self._is_socket:
                return self._sock.recv_into(space)  # type: ignore[union-attr]
            data = self._sock.recv(len(space))
        except OSError as error:
            late = self.deadline is not None and time.monotonic() > self.deadline
            if self.closed or late:
                raise EOFError from error
            raise
        space[: len(data)] = data
        return len(data)

    def write(self, data: bytes) -> None:
        """Send all of `data`. Raises EOFError where the line takes no more."""
        rest: memoryview | bytes = memoryview(data)
        while rest:
            try:
                sent = self._sock.send(rest if self._is_socket else bytes(rest))  # type: ignore[arg-type]
            except socket.timeout:
                if self.closed:
                    raise EOFError from None
                continue
            except paramiko.ProxyCommandFailure:
                raise
            except OSError as error:
                raise EOFError from error
            if sent == 0:
                raise EOFError
            rest = rest[sent:]
