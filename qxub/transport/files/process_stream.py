"""A remote process as a stream that one thread writes and reads, as SFTP and scripts need it."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Union

from qxub.transport.completion import Ending

if TYPE_CHECKING:
    from typing_extensions import Self

    from qxub.transport.process import RemoteProcess

HELD_BYTES = 1 << 20
"""how much stdout waits here before the server has to"""

STDERR_BYTES = 1 << 16
"""of what the process says on stderr, the end is kept"""

WAIT_SECONDS = 0.2
"""how long a wait may ignore Ctrl-C where a signal does not interrupt it (Windows)"""

_End = Union[Ending, BaseException]
"""how the process ended, or what drain() raised"""


class ProcessStream:
    """Takes over a process, drains it in a thread, and hands its stdout out as it is asked for.

    A context manager that closes the channel.
    """

    def __init__(self, process: RemoteProcess) -> None:
        self._process = process
        self._changed = threading.Condition()
        self._held: deque[memoryview] = deque()
        self._held_bytes = 0
        self._stderr = bytearray()
        self._end: _End | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._drain, name="process stream", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Write to the process's stdin. Raises ChannelError when it is closed, ConnectionLost."""
        self._process.write(data)

    def close_stdin(self) -> None:
        """Send end-of-file. Raises ConnectionLost."""
        self._process.close_stdin()

    def receive(self, count: int) -> bytes:
        """Take up to `count` bytes of stdout, at least one; b"" when the process has ended.

        Raises ConnectionLost when the line went before that.
        """
        with self._changed:
            while not self._held:
                if self._known_end() is not None:
                    return b""
                self._changed.wait(WAIT_SECONDS)
            data, rest = self._held[0][:count], self._held[0][count:]
            if rest:
                self._held[0] = rest
            else:
                self._held.popleft()
            self._held_bytes -= len(data)
            self._changed.notify_all()
            return bytes(data)

    def stderr(self) -> bytes:
        """Give the end of what the process has said on stderr so far."""
        with self._changed:
            return bytes(self._stderr)

    def wait(self, mark: bytes | None, seconds: float) -> Ending | None:
        """Wait until the process has ended, or has written `mark` to stderr; not for ever.

        Its stdout is to be read before. Gives its end, or None. Raises ConnectionLost.
        """

        def done() -> bool:
            return self._end is not None or (mark is not None and mark in self._stderr)

        deadline = time.monotonic() + seconds
        with self._changed:
            while not done() and time.monotonic() < deadline:
                self._changed.wait(WAIT_SECONDS)
            return self._known_end()

    def close(self) -> None:
        """Close the channel."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._process.close()
        self._thread.join()

    def _known_end(self) -> Ending | None:
        """Give the end, if it has come. Raises what drain() has raised."""
        if isinstance(self._end, BaseException):
            raise self._end
        return self._end

    def _drain(self) -> None:
        end: _End
        try:
            end = self._process.drain(self._take, self._take_stderr)
        except BaseException as error:  # noqa: BLE001 - carried to the thread that reads
            end = error
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _take(self, data: bytes) -> None:
        with self._changed:
            while self._held_bytes >= HELD_BYTES and not self._closed:
                self._changed.wait()
            if not self._closed:
                self._held.append(memoryview(data))
                self._held_bytes += len(data)
                self._changed.notify_all()

    def _take_stderr(self, data: bytes) -> None:
        with self._changed:
            self._stderr += data
            del self._stderr[:-STDERR_BYTES]
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
