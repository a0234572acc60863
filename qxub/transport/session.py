"""One command of one client, on the server's side."""

from __future__ import annotations

import contextlib
import queue
import socket
from typing import TYPE_CHECKING, Callable

import paramiko

from qxub.transport import paramiko_hooks as hooks
from qxub.transport.paramiko_server import send_exit_signal

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def _client_may_leave() -> Iterator[None]:
    """Raise BrokenPipeError where Paramiko finds the line dead."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise BrokenPipeError("the client has gone") from error


class Session:
    """One command of one client, as its handler sees it.

    Sending to a client that is gone raises BrokenPipeError.
    `signals` receives the names of the signals that the client sends, and None when the channel is
    gone. `on_stop` is called if the server stops while the handler runs.
    """

    def __init__(self, command: bytes, channel: paramiko.Channel, sock: socket.socket) -> None:
        self.command = command
        self.signals: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.on_stop: Callable[[], None] = lambda: None
        self._channel = channel
        self._sock = sock

    def read(self, count: int) -> bytes:
        """Up to `count` bytes of stdin; b"" at end-of-file, or when the client is gone."""
        return self._channel.recv(count)

    def write_stdout(self, data: bytes) -> None:
        """Send all of `data`, as fast as the client takes it. Raises BrokenPipeError."""
        self._write(self._channel.send, data)

    def write_stderr(self, data: bytes) -> None:
        """As `write_stdout`, on the other stream."""
        self._write(self._channel.send_stderr, data)

    def exit(self, status: int) -> None:
        """End the output and report the exit status."""
        self._end_output()
        self.report_status(status)

    def report_status(self, status: int) -> None:
        """Report the exit status and leave the output open, as a child of the process may hold it.

        sshd does this; a client must go on reading.
        """
        with _client_may_leave():
            self._channel.send_exit_status(status)

    def exit_signal(self, name: str, *, core_dumped: bool = False, message: str = "") -> None:
        """Report that the process died by the signal `name`, without "SIG"."""
        self._end_output()
        with _client_may_leave():
            send_exit_signal(self._channel, name, core_dumped, message)

    def drop_line(self) -> None:
        """Cut the TCP connection without a goodbye."""
        self._sock.shutdown(socket.SHUT_RDWR)

    def end_input(self) -> None:
        """Let `read` return b"" and `signals` end, for threads that wait for them."""
        self._channel.in_buffer.close()
        self.signals.put(None)

    def close(self) -> None:
        """Close the channel; the server does so when the handler returns."""
        hooks.close_channel(self._channel)
        self.signals.put(None)

    def _end_output(self) -> None:
        with _client_may_leave():
            self._channel.shutdown_write()

    def _write(self, send: Callable[[bytes], int], data: bytes) -> None:
        view = memoryview(data)
        while view:
            with _client_may_leave():
                sent = send(bytes(view[: hooks.CHUNK_BYTES]))
            if sent == 0:
                raise BrokenPipeError("the client has gone")
            view = view[sent:]


Handler = Callable[[Session], None]
