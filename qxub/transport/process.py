"""One remote process: its three streams, signals, and how it ended."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Callable

from qxub.transport import paramiko_hooks as hooks
from qxub.transport.completion import NoStatus
from qxub.transport.errors import ChannelError, ConnectionLost
from qxub.transport.translation import describe, translated

if TYPE_CHECKING:
    import paramiko
    from typing_extensions import Self

    from qxub.transport.completion import Completion

Sink = Callable[[bytes], None]

# How long a wait may ignore Ctrl-C where a signal does not interrupt it (Windows).
WAIT_SECONDS = 0.2


class RemoteProcess:
    """A process started by `Connection.start`; a context manager that closes its channel."""

    def __init__(
        self,
        host: str,
        transport: hooks.HookedTransport,
        channel: paramiko.Channel,
        request: tuple[str, bytes] | tuple[str],
    ) -> None:
        self._host = host
        self._transport = transport
        self._channel = channel
        self._ending = transport.watch(channel)
        self._streams = tuple(
            _Stream(channel, self._ending.changed, stderr=stderr) for stderr in (False, True)
        )
        self._closed_here = False
        channel.settimeout(WAIT_SECONDS)  # for writes; see write()
        hooks.request(channel, *request)

    def write(self, data: bytes) -> None:
        """Send `data` to the process's stdin, waiting while it does not read.

        Raises ChannelError when the channel is closed, as when the process has ended, and
        ConnectionLost.
        """
        view = memoryview(data)
        while view:
            with translated(self._host, "writing to stdin", ConnectionLost):
                try:
                    sent = self._channel.send(bytes(view[: hooks.CHUNK_BYTES]))
                except socket.timeout:  # no window yet, and nothing was sent
                    continue
                except OSError as error:
                    raise self._not_writable(describe(error)) from error
            if sent == 0:
                raise self._not_writable("stdin is closed")
            view = view[sent:]

    def close_stdin(self) -> None:
        """Send end-of-file to the process (RFC 4254 section 5.3). Raises ConnectionLost."""
        with translated(self._host, "closing stdin", ConnectionLost):
            self._channel.shutdown_write()

    def signal(self, name: str) -> None:
        """Send the process a signal, named without "SIG": "INT", "TERM" (RFC 4254 section 6.9).

        The server may ignore it; there is no answer. Raises ConnectionLost.
        """
        with translated(self._host, f"sending the signal {name}", ConnectionLost):
            hooks.notify(self._channel, "signal", name.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Tell the process's terminal its new size, in characters (RFC 4254 section 6.7).

        Raises ConnectionLost.
        """
        with translated(self._host, "changing the terminal's size", ConnectionLost):
            hooks.notify(self._channel, "window-change", columns, rows, 0, 0)

    def drain(self, stdout: Sink, stderr: Sink) -> Completion:
        """Pass both streams to the sinks, as the bytes arrive, until the process has ended.

        Each sink is called in a thread of its own. What a sink raises is raised here, and closes
        the channel. After KeyboardInterrupt the draining goes on; call again to wait on, with the
        same sinks or others. A background child that holds the process's output open delays
        the end, as it does with ssh. Raises ConnectionLost, or ChannelError after `close`.
        """
        for stream, sink in zip(self._streams, (stdout, stderr)):
            stream.sink = sink
            stream.ensure_started()
        while True:
            self._ending.changed.clear()
            completion = self._completion()
            if completion is not None:
                return completion
            self._ending.changed.wait(WAIT_SECONDS)

    def close(self) -> None:
        """Close the channel. The process is not killed: it sees its stdin end."""
        self._closed_here = True
        for stream in self._streams:
            stream.stopped = True
        hooks.close_channel(self._channel)
        for stream in self._streams:
            stream.wait(timeout=1)  # a sink may be stuck in a write; its thread is a daemon

    def _completion(self) -> Completion | None:
        """Give the end, if it has come."""
        closed = self._channel.closed  # read before what the peer said, which comes first
        for stream in self._streams:
            if stream.error is not None:
                self.close()
                raise stream.error
        if not all(stream.ended for stream in self._streams):
            return None
        if self._closed_here:
            raise ChannelError(f"{self._host}: the channel was closed here", host=self._host)
        ending = self._ending
        if self._channel.eof_received or ending.closed_by_peer:  # the output is complete
            if ending.completion is not None:
                return ending.completion
            if ending.closed_by_peer:
                return NoStatus()
        if closed:
            raise self._loss()
        return None

    def _loss(self) -> ConnectionLost:
        stdout, stderr = (stream.received for stream in self._streams)
        times = [stream.last_data for stream in self._streams if stream.last_data is not None]
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
        here_or_peer = self._closed_here or self._ending.closed_by_peer or self._channel.eof_sent
        kind = ChannelError if here_or_peer else ConnectionLost
        return kind(f"{self._host}: writing to stdin: {reason}", host=self._host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Stream:
    """Moves one stream from the channel to its sink, in a thread.

    The counts and the end are written by that thread alone, `sink` and `stopped` by the owner.
    """

    def __init__(
        self, channel: paramiko.Channel, changed: threading.Event, *, stderr: bool
    ) -> None:
        self.sink: Sink
        self.stopped = False
        self.received = 0
        self.last_data: float | None = None
        self.error: BaseException | None = None
        self._channel = channel
        self._changed = changed
        self._stderr = stderr
        self._begun = threading.Lock()
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether the last byte has been passed on, or the sink has raised."""
        return self._ended.is_set()

    def ensure_started(self) -> None:
        """Start the thread unless it runs. Ctrl-C may have interrupted an earlier call anywhere."""
        if not self._begun.locked():
            threading.Thread(target=self._run, name="drain", daemon=True).start()

    def wait(self, timeout: float) -> None:
        """Wait until the thread, if there is one, has done its work."""
        if self._begun.locked():
            self._ended.wait(timeout)

    def _run(self) -> None:
        if not self._begun.acquire(blocking=False):
            return  # a start that was interrupted had already happened
        try:
            while not self.stopped:
                data = hooks.receive(self._channel, stderr=self._stderr)
                if not data:
                    break
                self.last_data = time.monotonic()
                self.sink(data)
                self.received += len(data)
        except BaseException as error:  # noqa: BLE001 - carried to the thread that called drain()
            self.error = error
        finally:
            self._ended.set()
            self._changed.set()
