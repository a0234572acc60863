r"""The Windows twin: asking at the console, wherever stdin and stdout go.

CONIN$ and CONOUT$ are the console itself, as /dev/tty is the terminal elsewhere. Python's getpass
reads it key by key, and leaves out what is pressed to move the cursor.
"""

from __future__ import annotations

import ctypes
import getpass
import sys
from typing import TextIO

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

import msvcrt


def has_terminal() -> bool:
    """Return whether somebody sits at a console.

    Services and editors start programs with a console that has no window, and all their streams
    elsewhere; one that can be typed at has stdin or stderr, too.
    """
    if not any(_is_console(stream) for stream in (sys.stdin, sys.stderr)):
        return False
    try:
        with open("CONIN$", encoding="utf-8"), open("CONOUT$", "w", encoding="utf-8"):  # noqa: PTH123
            return True
    except OSError:
        return False


def _is_console(stream: TextIO | None) -> bool:
    """Whether a stream is a console's; isatty() says so of NUL, too."""
    if stream is None or not stream.isatty():
        return False
    handle = ctypes.c_void_p(msvcrt.get_osfhandle(stream.fileno()))
    return bool(ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(ctypes.c_uint())))


def ask(text: str, *, echo: bool) -> str | None:
    """Write `text` and read a line, which is shown only if `echo`. None at end-of-file (Ctrl-Z).

    Raises OSError when the console has gone.
    """
    if not echo:
        return getpass.getpass(text)
    with open("CONIN$", encoding="utf-8") as keys, open("CONOUT$", "w", encoding="utf-8") as screen:  # noqa: PTH123
        screen.write(text)
        screen.flush()
        line = keys.readline()
    return line.rstrip("\r\n") if line else None
