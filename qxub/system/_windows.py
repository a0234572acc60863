"""The Windows twin."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere

from qxub.system.access_windows import restrict_to_owner

__all__ = [
    "CANCELLING_SIGNALS",
    "ConsoleWriter",
    "config_directory",
    "has_terminal",
    "prepare_text_streams",
    "replace",
    "restrict_to_owner",
    "state_directory",
]

CANCELLING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
"""what asks this process to end its job: Ctrl-C, and Ctrl-Break"""

REPLACE_SECONDS = 2.0
"""how long another program (a virus scanner, an editor) may hold the target of `replace`"""


class ConsoleWriter:
    """Writes bytes to stdout or stderr: to a pipe or file as they are, to a console as UTF-8.

    A console takes text, and would show a character that is cut in two by a write as two wrong
    ones; so the beginning of one waits for its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = (
            codecs.getincrementaldecoder("utf-8")("replace") if stream.isatty() else None
        )

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        if self._decoder is not None:
            data = self._decoder.decode(data).encode()
        self._stream.write(data)
        self._stream.flush()


def prepare_text_streams() -> None:
    """Write text of ours as UTF-8 to pipes and files; the code page there lacks most characters.

    A console takes every character as it is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


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


def has_terminal() -> bool:
    """Return whether somebody sits at the console."""
    return sys.stdin is not None and sys.stdin.isatty()


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
