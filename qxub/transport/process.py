"""One remote process: its three streams, signals, and how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable

from qxub.transport import paramiko_hooks as hooks
from qxub.transport.completion import NoStatus
from qxub.transport.errors import ChannelError, ConnectionLost
from qxub.transport.sinks import sink_of
from qxub.transport.stream import WAIT_SECONDS
from qxub.transport.translation import describe, translated

if TYPE_CHECKING:
    from typing_extensions import Self

    from qxub.transport.completion import Ending
    from qxub.transport.paramiko_channels import SessionChannel
    from qxub.transport.sinks import Target

ANSWER_SECONDS = 10.0
"""how long to wait for what the server says to a signal"""


class RemoteProcess:
    """A process started by `Connection.start`; a context manager that closes its channel."""

    def __init__(
        self, host: str, transport: hooks.HookedTransport, session: SessionChannel
    ) -> None:
        self._host = host
        self._transport = transport
        self._session = session
        self._channel = session.channel
        self._closed_here = False
        self._failure: BaseException | None = None

    def room(self) -> int:
        """Tell how many bytes `write` takes without waiting."""
        return self._channel.out_window_size

    def fail(self, error: BaseException) -> None:
        """Have `drain` close the channel and raise `error`, as when stdin cannot be read."""
        self._failure = error
        self._session.changed.set()

    def write(self, data: bytes) -> None:
        """Send `data` to the process's stdin, waiting while it does not read.

        Raises ChannelError when the channel is closed, as when the process has ended, and
        ConnectionLost.
        """
        rest = memoryview(data)
        while rest:
            with translated(self._host, "writing to stdin", ConnectionLost):
                try:
                    sent = self._session.send(rest)
                except OSError as error:
                    raise self._not_writable(describe(error)) from error
            if sent == 0 and (self._channel.closed or self._channel.eof_sent):
                raise self._not_writable("stdin is closed")
            rest = rest[sent:]

    def close_stdin(self) -> None:
        """Send end-of-file to the process (RFC 4254 section 5.3). Raises ConnectionLost."""
        with translated(self._host, "closing stdin", ConnectionLost):
            self._session.send_eof()

    def signal(self, name: str, *, otherwise: Callable[[], object] | None = None) -> bool:
        """Send the process a signal, named without "SIG": "INT", "TERM" (RFC 4254 section 6.9).

        Tells whether the server says that it has passed it on. Where it has not, `otherwise` is
        called: a way that the caller chooses, such as `close`, or writing Ctrl-C to a terminal.
        Raises ConnectionLost. See docs/decisions/0011-signals-are-answered.md.
        """
        with translated(self._host, f"sending the signal {name}", ConnectionLost):
            if self._channel.closed:
                return False
            passed_on = self._session.request("signal", name.encode()).wait(ANSWER_SECONDS)
        if not passed_on and otherwise is not None:
            otherwise()
        return bool(passed_on)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the process's terminal its new size, in characters (RFC 4254 section 6.7).

        Raises ConnectionLost.
        """
        with translated(self._host, "changing the terminal's size", ConnectionLost):
            self._session.notify("window-change", columns, rows, 0, 0)

    def read(self, *, stderr: bool = False) -> bytes:
        """Wait for the next bytes of stdout, or of stderr; b"" at the end of the stream.

        This is for a conversation: it saves the thread of `drain`, which is to follow when it is
        over, and tells how the process, or the line, has ended. Until then nothing of the other
        stream is read, and the window holds what comes of it.
        """
        return self._session.streams[stderr].read()

    def drain(self, stdout: Target, stderr: Target) -> Ending:
        """Pass both streams on, as the bytes arrive, until the process has ended; tell how.

        A target is a function that takes bytes, a file opened in binary, or `Memory`. Each is
        called in a thread of its own; while it does not return, the server is given no further
        window. What it raises is raised here, and closes the channel. After KeyboardInterrupt the
        draining goes on; call again to wait on, with the same targets or others. A background child
        that holds the process's output open delays the end, as it does with ssh. Raises
        ConnectionLost, or ChannelError after `close`.
        """
        completion = self.drain_until(float("inf"), stdout, stderr)
        assert completion is not None  # noqa: S101 - for mypy: there was no limit
        return completion

    def drain_until(self, deadline: float, stdout: Target, stderr: Target) -> Ending | None:
        """As `drain`, but give None when `deadline`, of time.monotonic(), comes first."""
        for stream, target in zip(self._session.streams, (stdout, stderr)):
            stream.pass_to(sink_of(target))
        while True:
            completion = self._completion()
            if completion is not None:
                return completion
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._session.changed.wait(min(left, WAIT_SECONDS))

    def close(self) -> None:
        """Close the channel. The process is not killed: it sees its stdin end."""
        self._closed_here = True
        for stream in self._session.streams:
            stream.stop()
        hooks.close_channel(self._channel)
        for stream in self._session.streams:
            stream.wait(timeout=1)  # a sink may be stuck in a write; its thread is a daemon

    def _completion(self) -> Ending | None:
        """Give the end, if it has come."""
        closed = self._channel.closed  # read before what the peer said, which comes first
        session = self._session
        for error in (self._failure, *(stream.error for stream in session.streams)):
            if error is not None:
                self.close()
                raise error
        if not all(stream.ended for stream in session.streams):
            return None
        if self._closed_here:
            raise ChannelError(f"{self._host}: the channel was closed here", host=self._host)
        if self._channel.eof_received or session.closed_by_peer:  # the output is complete
            if session.completion is not None:
                return session.completion
            if session.closed_by_peer:
                return NoStatus()
        if closed:
            raise self._loss()
        return None

    def _loss(self) -> ConnectionLost:
        streams = self._session.streams
        stdout, stderr = (stream.received for stream in streams)
        times = [stream.last_data for stream in streams if stream.last_data is not None]
        idle = time.monotonic() - max(times) if times else None
        age = "no data had come" if idle is None else f"the last data came {idle:.1f} s before"
        reason = self._reason()
        return ConnectionLost(
            f"{self._host}: the connection was lost{reason} while the command ran: "
            f"{stdout} bytes of stdout and {stderr} of stderr were received, {age}",
            stdout_bytes=stdout,
            stderr_bytes=stderr,
            idle_seconds=idle,
            host=self._host,
        )

    def _reason(self) -> str:
        error = self._transport.saved_exception
        words = self._transport.disconnect_reason or (describe(error) if error else "")
        return f" ({words})" if words else ""

    def _not_writable(self, reason: str) -> ChannelError | ConnectionLost:
        here_or_peer = self._closed_here or self._session.closed_by_peer or self._channel.eof_sent
        kind = ChannelError if here_or_peer else ConnectionLost
        return kind(f"{self._host}: writing to stdin: {reason}", host=self._host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
