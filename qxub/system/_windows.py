"""The Windows twin."""

from __future__ import annotations

import codecs
import ctypes
import io
import msvcrt
import os
import signal
import sys
import time
from contextlib import contextmanager
from ctypes import wintypes
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

from qxub.system.access_windows import restrict_to_owner

__all__ = [
    "CANCELLING_SIGNALS",
    "ENDING_SIGNALS",
    "ConsoleWriter",
    "coloured_consoles",
    "config_directory",
    "prepare_text_streams",
    "replace",
    "restrict_to_owner",
    "shows_colours",
    "state_directory",
    "try_lock",
]

CANCELLING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
"""what asks this process to end its job: Ctrl-C, and Ctrl-Break"""

ENDING_SIGNALS = {signal.SIGTERM: "TERM", signal.SIGBREAK: "HUP"}
"""what asks this process to end, besides Ctrl-C: Ctrl-Break, and the console's window closing"""

_STDOUT, _STDERR = -11, -12
_VIRTUAL_TERMINAL = 4
"""ENABLE_VIRTUAL_TERMINAL_PROCESSING, since Windows 10"""

_kernel32 = ctypes.WinDLL("kernel32")
_kernel32.GetStdHandle.restype = wintypes.HANDLE
_kernel32.GetConsoleMode.argtypes = (wintypes.HANDLE, wintypes.LPDWORD)
_kernel32.SetConsoleMode.argtypes = (wintypes.HANDLE, wintypes.DWORD)

REPLACE_SECONDS = 2.0
"""how long another program (a virus scanner, an editor) may hold the target of `replace`"""


class ConsoleWriter:
    """Writes bytes to stdout or stderr: to a pipe or file as they are, to a console as UTF-8.

    A console takes text, and would show a character that is cut in two by a write as two wrong
    ones; so the beginning of one waits for its end. It is written past Python's buffer: a thread
    that is stuck in a write would hold its lock, which the interpreter takes at its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = getattr(stream, "raw", stream)
        self._decoder = (
            codecs.getincrementaldecoder("utf-8")("replace") if stream.isatty() else None
        )

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        if self._decoder is not None:
            data = self._decoder.decode(data).encode()
        rest = memoryview(data)
        while rest:
            rest = rest[self._raw.write(rest) :]


def prepare_text_streams() -> None:
    """Write text of ours as UTF-8 to pipes and files; the code page there lacks most characters.

    A console takes every character as it is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


@contextmanager
def coloured_consoles() -> Iterator[None]:
    """Let the console act on escape sequences, qxub's own and the job's; in the end, as before.

    The mode is the console's, which the prompt and all its programs share.
    """
    before = {number: _console_mode(number) for number in (_STDOUT, _STDERR)}
    for number, mode in before.items():
        if mode is not None:
            _kernel32.SetConsoleMode(_kernel32.GetStdHandle(number), mode | _VIRTUAL_TERMINAL)
    try:
        yield
    finally:
        for number, mode in before.items():
            if mode is not None:
                _kernel32.SetConsoleMode(_kernel32.GetStdHandle(number), mode)


def shows_colours() -> bool:
    """Return whether the console behind stderr acts on escape sequences."""
    return bool((_console_mode(_STDERR) or 0) & _VIRTUAL_TERMINAL)


def _console_mode(number: int) -> int | None:
    """Return the output mode of the console behind stdout or stderr; None if it is no console."""
    mode = wintypes.DWORD()
    found = _kernel32.GetConsoleMode(_kernel32.GetStdHandle(number), ctypes.byref(mode))
    return mode.value if found else None


def config_directory() -> Path:
    """Return %LOCALAPPDATA%/qxub, or what XDG_CONFIG_HOME says where somebody has set it."""
    from platformdirs.windows import Windows  # noqa: PLC0415 - --help does without

    own = os.environ.get("XDG_CONFIG_HOME")
    return Path(own, "qxub") if own else Windows("qxub", appauthor=False).user_config_path


def state_directory() -> Path:
    """Return the directory of what qxub notes for itself, with XDG_STATE_HOME likewise."""
    from platformdirs.windows import Windows  # noqa: PLC0415

    own = os.environ.get("XDG_STATE_HOME")
    return Path(own, "qxub") if own else Windows("qxub", appauthor=False).user_state_path


def copy_permissions(source: Path, target: Path) -> None:
    """Do nothing: a new file is its owner's, and what else it allows is in its access list."""
    del source, target


def replace(source: Path, target: Path) -> None:
    """Rename over `target`, waiting a little while another program has it open.

    Windows refuses that, where POSIX does not (MoveFileEx, ERROR_ACCESS_DENIED and
    ERROR_SHARING_VIOLATION). Raises PermissionError when it stays open.
    """
    deadline = time.monotonic() + REPLACE_SECONDS
    while True:
        try:
            source.replace(target)
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def try_lock(handle: int) -> bool:
    """Lock an open file for this handle alone; return whether nobody else has locked it.

    The lock goes with the handle, and with the process, whatever ends it.
    """
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except PermissionError:
        return False
    return True
