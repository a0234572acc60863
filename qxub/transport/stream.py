"""One stream of a remote process on its way from the line to its sink."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from qxub.transport.sinks import Sink

PIECE_BYTES = 64 * 1024
"""small pieces are put together up to this, so that a byte a packet costs no object each"""
WAIT_SECONDS = 0.2
"""how long a wait may ignore Ctrl-C where a signal does not interrupt it (Windows)"""


class Wakeup:
    """Wakes one waiting thread; a wake that nobody waits for is kept, once.

    It is a lock that is held while there is nothing new. Ctrl-C in the middle of waiting for a
    threading.Event can leave that broken; this cannot be.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake who waits, or who will."""
        with contextlib.suppress(RuntimeError):  # it was set already
            self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Wait to be woken, at most `seconds`; tell whether it was."""
        return self._lock.acquire(timeout=seconds)


class Stream:
    """A queue of what has arrived, and the thread that passes it to the sink.

    `add` and `close` are called by the thread that reads the line, and never wait: how much may
    be on the way is the channel's window, which `consumed` gives back when the sink has taken
    something. The thread is started by the first bytes that have somewhere to go.
    """

    def __init__(self, changed: Callable[[], None], consumed: Callable[[int], None]) -> None:
        self.received = 0
        """bytes that the sink has taken"""
        self.last_data: float | None = None
        self.error: BaseException | None = None
        self._changed = changed
        self._consumed = consumed
        self._sink: Sink | None = None
        self._pieces: collections.deque[bytes | bytearray] = collections.deque()
        self._lock = threading.Lock()
        self._wakened = Wakeup()
        self._closed = False
        self._stopped = False
        self._begun = threading.Lock()
        self._ended = threading.Event()

    def add(self, data: bytes) -> None:
        """Take the next bytes from the line, if any; `wake` is to follow soon."""
        if not data:
            return
        self.last_data = time.monotonic()
        with self._lock:
            last = self._pieces[-1] if self._pieces else None
            if len(data) >= PIECE_BYTES // 4:
                self._pieces.append(data)
            elif isinstance(last, bytearray) and len(last) + len(data) <= PIECE_BYTES:
                last += data
            else:
                self._pieces.append(bytearray(data))

    def wake(self) -> None:
        """Have what was added passed on."""
        with self._lock:
            self._run_or_wake()

    # The interface of Paramiko's BufferedPipe, as far as Channel feeds one.

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the line."""
        self.add(data)
        self.wake()

    def close(self) -> None:
        """Take note that nothing more will come."""
        with self._lock:
            self._closed = True
            self._run_or_wake()

    @property
    def ended(self) -> bool:
        """Whether the last byte has been passed on, or the sink has raised."""
        return self._ended.is_set()

    def pass_to(self, sink: Sink) -> None:
        """Pass what comes, and what has come, to `sink`; may be called again with another."""
        with self._lock:
            self._sink = sink
            self._run_or_wake()

    def stop(self) -> None:
        """Pass nothing on any more."""
        with self._lock:
            self._stopped = True
            self._run_or_wake()

    def wait(self, timeout: float) -> None:
        """Wait until the thread, if there is one, has done its work."""
        if self._begun.locked():
            self._ended.wait(timeout)

    def read(self) -> bytes:
        """Wait for the next bytes, and take them; b"" at the end. Only while there is no sink."""
        data = self._next()
        if data:
            self.received += len(data)
            self._consumed(len(data))
        return data

    def _run_or_wake(self) -> None:
        """With the lock held: see to it that what can be done now is done.

        Ctrl-C may end this anywhere: a second thread finds that there is one, and who waits looks
        again after a while.
        """
        self._wakened.set()
        if not self._begun.locked() and self._sink is not None:
            if self._pieces and not self._stopped:
                threading.Thread(target=self._run, name="drain", daemon=True).start()
            elif self._closed or self._stopped:
                self._end()

    def _run(self) -> None:
        if not self._begun.acquire(blocking=False):
            return
        try:
            while (data := self._next()) and self._sink is not None:
                self._sink(data)
                self.received += len(data)
                self._consumed(len(data))
        except BaseException as error:  # noqa: BLE001 - carried to the thread that called drain()
            self.error = error
        finally:
            self._end()

    def _next(self) -> bytes:
        """Wait for the next bytes; b"" at the end."""
        while True:
            with self._lock:
                if self._pieces and not self._stopped:
                    return bytes(self._pieces.popleft())
                if self._closed or self._stopped:
                    return b""
            self._wakened.wait(WAIT_SECONDS)

    def _end(self) -> None:
        self._ended.set()
        self._changed()
