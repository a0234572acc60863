"""What goes on beside the draining of a process: its input, and its time limit."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, BinaryIO, Union

from qxub.transport.completion import TimedOut
from qxub.transport.errors import ChannelError, ConnectionLost

if TYPE_CHECKING:
    from qxub.transport.completion import Completion
    from qxub.transport.process import RemoteProcess
    from qxub.transport.sinks import Target

log = logging.getLogger(__name__)

Source = Union[bytes, BinaryIO]

KILL_SECONDS = 10.0
"""between TERM and KILL, and between KILL and giving up, for a process whose time is over"""
INLINE_BYTES = 16 * 1024
"""input that certainly fits into the first window needs no thread (RFC 4253 section 6.1)"""
READ_BYTES = 1024 * 1024


def feed(process: RemoteProcess, source: Source) -> None:
    """Write `source` to the process's stdin and close it; what is long, in a thread of its own.

    A process that does not want it all is no error, and what becomes of the line is the drain's to
    tell. Raises nothing but what reading the source raises, where it needs no thread.
    """
    if isinstance(source, bytes) and len(source) <= INLINE_BYTES:
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
