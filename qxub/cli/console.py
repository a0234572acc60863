"""The console: the job's bytes as they are, and qxub's own words on stderr."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from qxub import system
from qxub.cli.boundary import mention, tell
from qxub.cli.colours import yellow
from qxub.job import Outcome, OutcomeKind

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

_EVENTS = {
    "connecting": "connecting to {host}",
    "connected": "connected to {host}",
    "submitted": "submitted as {scheduler} job {job_id}",
    "started": "job {job_id} has started",
    "cancelling": "cancelling job {job_id}",
}
CLOSED_PIPE = (errno.EPIPE, errno.EINVAL)
"""what a write to a pipe that nobody reads gives; EINVAL on Windows"""


class JobSubmitted(Exception):  # noqa: N818 - no error: it ends the following early
    """With --terse: the job has its ID, and nobody waits for its end."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class Console:
    """A RunObserver that writes the job's bytes through, untouched and at once.

    When the reader of stdout or stderr has gone (`| head`), the run is cancelled, as a local
    command would be ended by SIGPIPE.
    """

    def __init__(
        self,
        cancelled: threading.Event,
        *,
        verbosity: int = 0,
        quiet: bool = False,
        leaves_when_submitted: bool = False,
    ) -> None:
        self._cancelled = cancelled
        self._leaves_when_submitted = leaves_when_submitted
        self._verbosity = verbosity
        self._talks = not quiet and (verbosity > 0 or sys.stderr.isatty())
        self._out = Output(1, sys.stdout)
        self._err = Output(2, sys.stderr)

    def stdout(self, data: bytes) -> None:
        """Write the job's next bytes of stdout."""
        self._write(self._out, data)

    def stderr(self, data: bytes) -> None:
        """Write the job's next bytes of stderr."""
        self._write(self._err, data)

    def event(self, name: str, **details: str) -> None:
        """Say what happened, where a person is there to read it."""
        if name == "submitted" and self._leaves_when_submitted:
            raise JobSubmitted(details["job_id"])
        if name in _EVENTS and self._talks:
            mention(_EVENTS[name].format(**details))
        elif name == "remark" and self._verbosity:
            mention(f"far side: {details['text']}")

    def tick(self) -> None:
        """Do nothing: the console needs no sign of life."""

    def end(self, outcome: Outcome) -> None:
        """Say how the run ended, unless it ended as any local command may."""
        if outcome.kind not in (OutcomeKind.COMPLETED, OutcomeKind.SIGNALLED):
            tell(str(outcome), outcome.detail)
        elif self._talks:
            mention(str(outcome))

    def _write(self, output: Output, data: bytes) -> None:
        try:
            output(data)
        except OSError as error:
            if error.errno not in CLOSED_PIPE:
                raise
            self._cancelled.set()


class Output:
    """Stdout or stderr, for bytes that are not ours.

    After an error, and where it was closed when this process was started (None), it drops what
    comes.
    """

    def __init__(self, number: int, stream: TextIO | None) -> None:
        self._number = number
        self._writer = None if stream is None else system.ConsoleWriter(stream.buffer)
        self.error: OSError | None = None

    def __call__(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        if self._writer is None:
            return
        try:
            self._writer.write(data)
        except OSError as error:
            self.error, self._writer = error, None
            silence(self._number)
            raise


def silence(number: int) -> None:
    """Send what a file descriptor still has buffered nowhere; the flush at exit would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


@contextmanager
def cancelled_by_signals(cancelled: threading.Event) -> Iterator[None]:
    """Let Ctrl-C (and TERM) set the event; a second Ctrl-C raises KeyboardInterrupt."""

    def note(number: int, frame: object) -> None:
        del frame
        if cancelled.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        cancelled.set()

    before = {number: signal.signal(number, note) for number in system.CANCELLING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def set_up_logging(verbosity: int, *, quiet: bool) -> None:
    """Let the library's log be seen on stderr: warnings; with -v more, with -vvv Paramiko's too."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)[min(verbosity, 3)]
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(f"{yellow('qxub:')} %(levelname)s: %(message)s"))
    name = "" if verbosity > 2 else "qxub"
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if quiet else level)
