"""The POSIX twin: asking at the controlling terminal, wherever stdin and stdout go."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

_TERMINAL = "/dev/tty"
_LOCAL_MODES = 3
"""where tcgetattr keeps the flags that ECHO is one of"""


def has_terminal() -> bool:
    """Return whether somebody sits at a terminal (tty(4))."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask(text: str, *, echo: bool) -> str | None:
    """Write `text` and read a line, which is shown only if `echo`. None at end-of-file.

    Raises OSError when the terminal has gone.
    """
    descriptor = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    try:
        with _quiet(descriptor, echo=echo):
            os.write(descriptor, text.encode("utf-8", "replace"))
            line = _read_line(descriptor)
    finally:
        os.close(descriptor)
    return line


@contextlib.contextmanager
def _quiet(descriptor: int, *, echo: bool) -> Iterator[None]:
    """Switch the echo off, and in the end, after Ctrl-C too, on again."""
    if echo:
        yield
        return
    import termios  # noqa: PLC0415 - only where there is something to ask

    before = termios.tcgetattr(descriptor)
    without = termios.tcgetattr(descriptor)
    without[_LOCAL_MODES] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, without)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        os.write(descriptor, b"\n")  # the one that was typed has not been shown


def _read_line(descriptor: int) -> str | None:
    data = b""
    while not data.endswith(b"\n"):
        more = os.read(descriptor, 1024)
        if not more:
            return None
        data += more
    return data[:-1].decode("utf-8", "surrogateescape")
