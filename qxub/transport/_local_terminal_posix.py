"""The POSIX twin: the terminal behind stdin, and stdin, so that reading it can be ended."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

DEFAULT_TERM = "dumb"
"""what a terminal is that no TERM describes (terminfo(5))"""


def is_terminal(descriptor: int) -> bool:
    """Whether a descriptor is a terminal's."""
    return os.isatty(descriptor)


def terminal_modes(descriptor: int) -> Mapping[int, int]:
    """Give the modes of a terminal by opcode (RFC 4254 section 8). Raises OSError."""
    from qxub.transport import _terminal_modes_posix as modes  # noqa: PLC0415 - brings termios

    return modes.encoded(descriptor)


@contextlib.contextmanager
def raw_mode(descriptor: int) -> Iterator[None]:
    """Let the terminal pass every byte on while the block runs. Raises OSError.

    Afterwards it is as it was, also when a signal ends this process that nobody handles; in the
    main thread only, since others can set no handlers.
    """
    from qxub.transport import _terminal_modes_posix as modes  # noqa: PLC0415

    before = modes.attributes_of(descriptor)

    def restore() -> None:
        with contextlib.suppress(OSError):  # the terminal has gone
            modes.set_attributes(descriptor, before)

    with _before_deadly_signals(restore):
        try:
            modes.set_attributes(descriptor, modes.raw(before))
            yield
        finally:
            restore()


@contextlib.contextmanager
def _before_deadly_signals(restore: Callable[[], None]) -> Iterator[None]:
    """Restore before a signal ends this process; signals that somebody handles are left alone."""

    def end(number: int, frame: object) -> None:
        del frame
        restore()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    is_main = threading.current_thread() is threading.main_thread()
    deadly = (signal.SIGHUP, signal.SIGTERM) if is_main else ()
    taken = [number for number in deadly if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def at_size_changes(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` whenever the window may have changed its size, in a thread (SIGWINCH).

    To be entered in the main thread, as signal handlers are its.
    """
    changes: SimpleQueue[bool] = SimpleQueue()  # which, unlike an Event, a handler may touch

    def keep_looking() -> None:
        while changes.get():
            look()

    before = signal.signal(signal.SIGWINCH, lambda *_: changes.put(True))
    changes.put(True)  # it may have changed since the size was asked for
    thread = threading.Thread(target=keep_looking, name="window size", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
        changes.put(False)
        thread.join(timeout=1)  # it may be stuck, telling a peer that does not read


class StandardInput:
    """A file, a pipe or a terminal, read as its bytes come; a context manager.

    When its block ends, so does the reading, and what has not been read stays where it is.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_terminal = is_terminal(descriptor)
        self._woken, self._waker = os.pipe()
        self._reading = threading.Lock()
        self._has_ended = False

    def read(self, size: int) -> bytes:
        """Wait for bytes; b"" at the end, after the block, and when a terminal has gone.

        Raises OSError.
        """
        with self._reading:
            if self._has_ended:
                return b""
            ready, _, _ = select.select([self._descriptor, self._woken], [], [])
            if self._woken in ready:
                return b""
            try:
                return os.read(self._descriptor, size)
            except OSError as error:
                if self._is_terminal and error.errno == errno.EIO:
                    return b""
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended = True
        os.write(self._waker, b"\0")
        if self._reading.acquire(timeout=1):  # somebody else may have read what was there
            os.close(self._woken)
            os.close(self._waker)
            self._reading.release()
