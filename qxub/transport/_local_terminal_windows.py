"""The Windows twin: the console behind stdin, and stdin, so that reading it can be ended.

See Microsoft, "Console Virtual Terminal Sequences", for the modes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from ctypes import wintypes
from typing import TYPE_CHECKING

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

from qxub.transport import _console_windows as console
from qxub.transport import terminal_opcodes as opcodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self

DEFAULT_TERM = "xterm-256color"
"""whose sequences the console has"""

SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_TO_END = 1.0
THREAD_TERMINATE = 1

# What terminals on Linux are like (stty(1), "sane"), for UTF-8; a console has no such modes.
_CHARACTERS = {
    "VINTR": 3,
    "VQUIT": 28,
    "VERASE": 127,
    "VKILL": 21,
    "VEOF": 4,
    "VSTART": 17,
    "VSTOP": 19,
    "VSUSP": 26,
    "VREPRINT": 18,
    "VWERASE": 23,
    "VLNEXT": 22,
}
_FLAGS = (
    *("ICRNL", "IXON", "IUTF8", "ISIG", "ICANON", "ECHO", "ECHOE", "ECHOK", "IEXTEN", "ECHOCTL"),
    *("ECHOKE", "OPOST", "ONLCR", "CS8"),
)
_BAUDS = 38400

_kernel32 = ctypes.WinDLL("kernel32")
_kernel32.OpenThread.restype = wintypes.HANDLE
_kernel32.CancelSynchronousIo.argtypes = (wintypes.HANDLE,)
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)


def is_terminal(descriptor: int) -> bool:
    """Whether a descriptor is a console's."""
    return console.console_of(descriptor) is not None


def terminal_modes(descriptor: int) -> Mapping[int, int]:
    """Give modes by opcode (RFC 4254 section 8) that suit a console."""
    del descriptor
    characters = {opcodes.SPECIAL_CHARACTERS[name]: code for name, code in _CHARACTERS.items()}
    flags = {opcode: int(name in _FLAGS) for name, opcode in opcodes.FLAGS.items()}
    return {**characters, **flags, **dict.fromkeys(opcodes.SPEEDS.values(), _BAUDS)}


@contextlib.contextmanager
def raw_mode(descriptor: int) -> Iterator[None]:
    """Let the console pass every key on, and act on what programs over there write.

    Ctrl-C is a key then; Ctrl-Break is not. Afterwards the console is as it was. Raises OSError.
    """
    keys = console.console_of(descriptor)
    if keys is None:
        raise OSError("stdin is no console")
    screens = [handle for handle in map(console.console_of, (1, 2)) if handle is not None]
    modes = {handle: console.console_mode(handle) or 0 for handle in (keys, *screens)}
    cooked = console.ENABLE_PROCESSED_INPUT | console.ENABLE_LINE_INPUT | console.ENABLE_ECHO_INPUT
    sequences = console.ENABLE_VIRTUAL_TERMINAL_PROCESSING | console.DISABLE_NEWLINE_AUTO_RETURN
    try:
        wanted = console.ENABLE_VIRTUAL_TERMINAL_INPUT
        console.set_console_mode(keys, modes[keys] & ~cooked, wanted=wanted)
        for handle in screens:
            console.set_console_mode(handle, modes[handle], wanted=sequences)
        yield
    finally:
        for handle, mode in modes.items():
            with contextlib.suppress(OSError):  # the console has gone
                console.set_console_mode(handle, mode)


@contextlib.contextmanager
def at_size_changes(look: Callable[[], None]) -> Iterator[None]:
    """Call `look` now and then, in a thread: nothing tells of a console's new size but keys do."""
    ended = threading.Event()

    def keep_looking() -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            look()

    thread = threading.Thread(target=keep_looking, name="window size", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=1)  # it may be stuck, telling a peer that does not read


class StandardInput:
    """A file, a pipe or a console, read as its bytes come; a context manager.

    When its block ends, so does the reading, if it can be ended: not while somebody types a line.
    """

    def __init__(self, descriptor: int) -> None:
        handle = console.console_of(descriptor)
        self._console = None if handle is None else console.ConsoleInput(handle)
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._reader: int | None = None
        """the thread that is reading"""
        self._has_ended = False

    def read(self, size: int) -> bytes:
        """Wait for bytes; b"" at the end, after the block, and when a console has gone.

        Raises OSError.
        """
        with self._lock:
            if self._has_ended:
                return b""
            self._reader = threading.get_native_id()
        try:
            return self._console.read() if self._console else os.read(self._descriptor, size)
        except OSError:
            if self._console or self._has_ended:  # whose end cancels the reading
                return b""
            raise
        finally:
            with self._lock:  # which keeps the thread here while its reading is being cancelled
                self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended = True
        deadline = time.monotonic() + SECONDS_TO_END
        while self._cancel() and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._console and self._reader is None:
            self._console.close()

    def _cancel(self) -> bool:
        """Try to end a reading that goes on; False when there is none any more."""
        if self._console:
            self._console.stop()
        with self._lock:
            if self._reader is None:
                return False
            thread = _kernel32.OpenThread(THREAD_TERMINATE, False, self._reader)
            _kernel32.CancelSynchronousIo(thread)
            _kernel32.CloseHandle(thread)
            return True
