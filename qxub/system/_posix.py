"""The POSIX twin."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import stat
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

assert sys.platform != "win32"  # noqa: S101 - a POSIX twin; mypy skips it for Windows

CANCELLING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""what asks this process to end its job; a terminal that goes (HUP) only ends the process"""


ENDING_SIGNALS = {signal.SIGTERM: "TERM", signal.SIGHUP: "HUP"}
"""what asks this process to end, besides Ctrl-C; with the names of RFC 4254 section 6.10"""


class ConsoleWriter:
    """Writes bytes to stdout or stderr, as they are and at once.

    Past Python's buffer: a thread that is stuck in a write would hold its lock, which the
    interpreter takes at its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = getattr(stream, "raw", stream)

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        rest = memoryview(data)
        while rest:
            taken = self._raw.write(rest)
            if taken is None:  # another program has made the terminal non-blocking
                select.select([], [self._raw], [])
            else:
                rest = rest[taken:]


def prepare_text_streams() -> None:
    """Let text of ours give back, byte for byte, what was typed, where that is no UTF-8."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def coloured_consoles() -> AbstractContextManager[None]:
    """Do nothing: terminals act on escape sequences of themselves."""
    return nullcontext()


def shows_colours() -> bool:
    """Return whether the terminal behind stderr acts on escape sequences."""
    return True


def config_directory() -> Path:
    """Return the user's configuration directory (XDG Base Directory Specification 0.8)."""
    from platformdirs.unix import Unix  # noqa: PLC0415 - --help does without

    return Unix("qxub").user_config_path


def state_directory() -> Path:
    """Return the directory of runs and of the embedded scheduler."""
    from platformdirs.unix import Unix  # noqa: PLC0415

    return Unix("qxub").user_state_path


def copy_permissions(source: Path, target: Path) -> None:
    """Give `target` the owner and the mode of `source`, as far as that is allowed."""
    status = source.stat()
    with contextlib.suppress(PermissionError):  # of a group that we are not in
        os.chown(target, status.st_uid, status.st_gid)
    target.chmod(stat.S_IMODE(status.st_mode))


def replace(source: Path, target: Path) -> None:
    """Rename over `target` in one step (rename(2))."""
    source.replace(target)


def restrict_to_owner(path: Path) -> None:
    """Take every permission from group and others, whatever the umask."""
    path.chmod(0o700 if path.is_dir() else path.stat().st_mode & 0o700)


def try_lock(handle: int) -> bool:
    """Lock an open file for this handle alone; return whether nobody else has locked it (flock(2)).

    The lock goes with the handle, and with the process, whatever ends it. Raises OSError where the
    file system has no locks.
    """
    import fcntl  # noqa: PLC0415 - only where jobs are followed

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
