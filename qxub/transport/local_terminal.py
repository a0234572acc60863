"""The terminal at this end: asking for its like over there, and letting the two act as one.

    if wants_pty(host.request_tty, has_command=True, stdin=0, stdout=1):
        pty = local_pty(0)
        process = connection.start(command, pty=pty)
        with raw_mode(0), following_size(process, pty), StandardInput(0) as source:
            feed(process, source)
            process.drain(...)

What POSIX systems and Windows do differently is in two twins, chosen here.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING

from qxub.transport.errors import TransportError
from qxub.transport.pty import Pty

if sys.platform == "win32":
    from qxub.transport import _local_terminal_windows as twin
else:
    from qxub.transport import _local_terminal_posix as twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.process import RemoteProcess

log = logging.getLogger(__name__)

is_terminal = twin.is_terminal
raw_mode = twin.raw_mode
StandardInput = twin.StandardInput


def wants_pty(
    request_tty: str, *, has_command: bool, stdin: int | None, stdout: int | None
) -> bool:
    """Decide on a PTY by RequestTTY, as HostConfig has it; the descriptors are those of this end.

    "auto" is for a login shell at a terminal. With "true" there is none, and a warning is logged,
    where stdin is no terminal; "force" does not look (ssh_config(5), and ssh(1), -t).
    """
    can_type = stdin is not None and is_terminal(stdin)
    can_see = stdout is not None and is_terminal(stdout)
    if request_tty == "true" and not can_type:
        log.warning("Pseudo-terminal will not be allocated because stdin is not a terminal.")
    wanted = {"force": True, "true": can_type, "auto": can_type and can_see and not has_command}
    return wanted.get(request_tty, False)


def local_pty(stdin: int | None, *, term: str | None = None) -> Pty:
    """Describe this end's terminal: TERM, unless `term` says it, its size, and the modes of stdin.

    Raises OSError when the terminal has gone.
    """
    columns, rows = _window_size() or (Pty.columns, Pty.rows)
    modes = twin.terminal_modes(stdin) if stdin is not None and is_terminal(stdin) else {}
    name = term or os.environ.get("TERM") or twin.DEFAULT_TERM
    return Pty(name, columns, rows, modes)


@contextlib.contextmanager
def following_size(process: RemoteProcess, pty: Pty) -> Iterator[None]:
    """While the block runs, tell `process` each new size of the window; it was started with `pty`.

    To be entered in the main thread.
    """
    known = (pty.columns, pty.rows)

    def look() -> None:
        nonlocal known
        size = _window_size()
        if size is None or size == known:
            return
        known = size
        try:
            process.resize(*size)
        except TransportError as error:  # drain() tells of it
            log.debug("the new size was not told: %s", error)

    with twin.at_size_changes(look):
        yield


def _window_size() -> tuple[int, int] | None:
    """Give columns and rows of the first standard stream that is a terminal."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(descriptor)
            return columns, rows
    return None
