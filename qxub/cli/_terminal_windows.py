r"""The Windows twin: asking at the console, wherever stdin and stdout go.

CONIN$ and CONOUT$ are the console itself, as /dev/tty is the terminal elsewhere. Python's getpass
reads it key by key, and leaves out what is pressed to move the cursor.
"""

from __future__ import annotations

import getpass
import sys

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere


def has_terminal() -> bool:
    """Return whether somebody sits at a console.

    Services and editors start programs with a console that has no window, and all their streams
    elsewhere; one that can be typed at has stdin or stderr, too.
    """
    streams = (sys.stdin, sys.stderr)
    if not any(stream is not None and stream.isatty() for stream in streams):
        return False
    try:
        with open("CONIN$", encoding="utf-8"), open("CONOUT$", "w", encoding="utf-8"):  # noqa: PTH123
            return True
    except OSError:
        return False


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
