"""What goes on beside the draining of a process: its input, and its time limit."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol, Union

from qxub.transport.completion import TimedOut
from qxub.transport.errors import ChannelError, ConnectionLost

if TYPE_CHECKING:
    from qxub.transport.completion import Completion
    from qxub.transport.process import RemoteProcess
    from qxub.transport.sinks import Target

log = logging.getLogger(__name__)


class BinaryReader(Protocol):
    """What is asked of a file: opened in binary, buffered or not."""

    def read(self, size: int, /) -> bytes:
        """Wait for bytes and give `size` of them at most; b"" at the end."""


Source = Union[bytes, BinaryReader]

KILL_SECONDS = 10.0
"""between TERM and KILL, and between KILL and giving up, for a process whose time is over"""
INLINE_BYTES = 16 * 1024
"""so little input needs no thread, if there is room for it"""
READ_BYTES = 1024 * 1024


def feed(process: RemoteProcess, source: Source) -> None:
    """Write `source` to the process's stdin and close it; what is long, in a thread of its own.

    A process that does not want it all is no error; what becomes of the line, or goes wrong with
    reading `source`, is the drain's to tell.
    """
    if isinstance(source, bytes) and len(source) <= min(INLINE_BYTES, process.room()):
        _feed(process, source)
    else:
        threading.Thread(target=_feed, args=(process, source), name="feed", daemon=True).start()


def _feed(process: RemoteProcess, source: Source) -> None:
    try:
        if isinstance(source, bytes):
            process.write(source)
        else:
            read = getattr(source, "read1", source.read)  # what is there, without waiting for more
            while data := read(READ_BYTES):
                process.write(data)
        process.close_stdin()
    except (ChannelError, ConnectionLost) as error:
        log.debug("stdin not delivered: %s", error)
    except BaseException as error:  # noqa: BLE001 - carried to the thread that drains
        process.fail(error)


def run_out(process: RemoteProcess, deadline: float, stdout: Target, stderr: Target) -> Completion:
    """Drain the process until `deadline`, of time.monotonic(), and end it then.

    Where the server passes no signals on, the channel is closed at once, and how the process ended
    is not known. Raises what `RemoteProcess.drain_until` raises.
    """
    ending = process.drain_until(deadline, stdout, stderr)
    if ending is not None:
        return ending
    for signal in ("TERM", "KILL"):
        if not process.signal(signal):
            break
        limit = time.monotonic() + KILL_SECONDS
        ending = process.drain_until(limit, stdout, stderr)
        if ending is not None:
            return TimedOut(ending)
    return TimedOut(None)
