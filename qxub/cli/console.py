"""The console: the job's bytes as they are, and qxub's own words on stderr."""

from __future__ import annotations

import errno
import logging
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from qxub import system
from qxub.cli.boundary import mention, tell
from qxub.cli.colours import yellow
from qxub.cli.own_words import has_terminal, silence, write_words
from qxub.cli.progress import LINE, WAITING, Waiting
from qxub.job import Outcome, OutcomeKind

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from qxub.execution.result import RunResult

_EVENTS = {
    "connecting": "connecting to {host}",
    "connected": "connected to {host}",
    "submitted": "submitted as {scheduler} job {job_id}",
    "started": "job {job_id} has started",
    "resumed": "job {job_id} runs again",
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
        result: RunResult,
        *,
        verbosity: int = 0,
        quiet: bool = False,
        leaves_when_submitted: bool = False,
    ) -> None:
        self._cancelled = cancelled
        self._result = result
        self._leaves_when_submitted = leaves_when_submitted
        self._verbosity = verbosity
        self._is_quiet = quiet
        self._has_terminal = not quiet and has_terminal()
        self._talks = not quiet and (verbosity > 0 or self._has_terminal)
        self._out = Output(1, sys.stdout)
        self._err = Output(2, sys.stderr)
        self._waiting = Waiting()
        self._members: dict[str, list[int]] = {}

    def stdout(self, data: bytes) -> None:
        """Write the job's next bytes of stdout."""
        self._write(self._out, data)

    def stderr(self, data: bytes) -> None:
        """Write the job's next bytes of stderr."""
        self._write(self._err, data)

    def event(self, name: str, **details: str) -> None:
        """Say what happened, where a person is there to read it."""
        self._result.note(name, details)
        # Who pressed Ctrl-C meanwhile does not want the job: it is followed to its cancellation.
        if name == "submitted" and self._leaves_when_submitted and not self._cancelled.is_set():
            raise JobSubmitted(details["job_id"])
        if name == "member":
            self._members.setdefault(details["outcome"], []).append(int(details["index"]))
        elif name in WAITING:
            self._wait(name, details)
        elif name in _EVENTS:
            self._waiting.end()
            if self._talks:
                mention(_EVENTS[name].format(**details))
        elif name == "remark" and self._verbosity:
            mention(f"far side: {details['text']}")
        if name == "submitted":
            self._wait("queued", details)

    def tick(self) -> None:
        """Bring the status line up to date, where there is one and it can stand."""
        if self._has_terminal and self._out.ends_a_line and self._err.ends_a_line:
            self._waiting.draw()

    def end(self, outcome: Outcome) -> None:
        """Say how the run ended, unless it ended as any local command may."""
        self._result.end(outcome)
        self._waiting.end()
        if self._members and not self._is_quiet:
            mention(_table(self._members))
        if outcome.kind not in (OutcomeKind.COMPLETED, OutcomeKind.SIGNALLED):
            tell(str(outcome), outcome.detail)
        elif self._talks:
            mention(str(outcome))

    def _wait(self, state: str, details: dict[str, str]) -> None:
        is_news = self._waiting.begin(state, details)
        if self._has_terminal:
            self.tick()
        elif self._talks and is_news:
            mention(str(self._waiting))

    def _write(self, output: Output, data: bytes) -> None:
        LINE.clear()
        try:
            output(data)
        except OSError as error:
            if error.errno not in CLOSED_PIPE:
                raise
            self._cancelled.set()


def _table(members: dict[str, list[int]]) -> str:
    """Return how the members of an array ended: a line for each ending, with its indices."""
    rows = [(outcome, ", ".join(_ranges(indices))) for outcome, indices in members.items()]
    width = max(len(outcome) for outcome, _ in rows)
    lines = (f"  {outcome:<{width}}  {indices}" for outcome, indices in rows)
    return "\n".join(["the members of the array:", *lines])


def _ranges(indices: list[int]) -> Iterator[str]:
    """Yield the indices, which are in order, with neighbours as 3-7."""
    start = before = indices[0]
    for index in [*indices[1:], None]:
        if index is not None and index == before + 1:
            before = index
            continue
        yield str(start) if start == before else f"{start}-{before}"
        if index is not None:
            start = before = index


class Output:
    """Stdout or stderr, for bytes that are not ours.

    After an error, and where it was closed when this process was started (None), it drops what
    comes.
    """

    def __init__(self, number: int, stream: TextIO | None) -> None:
        self._number = number
        self._writer = None if stream is None else system.ConsoleWriter(stream.buffer)
        self._is_terminal = stream is not None and stream.isatty()
        self.error: OSError | None = None
        self.ends_a_line = True
        """the terminal's cursor, where there is one, is where a line begins"""

    def __call__(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        if self._writer is None:
            return
        if self._is_terminal and data:
            self.ends_a_line = data.endswith(b"\n")
        try:
            self._writer.write(data)
        except OSError as error:
            self.error, self._writer = error, None
            silence(self._number)
            raise


@contextmanager
def cancelled_by_signals(cancelled: threading.Event) -> Iterator[None]:
    """Let Ctrl-C (and TERM) set the event; a second Ctrl-C raises KeyboardInterrupt."""
    noted = False

    def note(number: int, frame: object) -> None:
        del frame
        nonlocal noted
        was_noted, noted = noted or cancelled.is_set(), True
        if was_noted and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not was_noted:  # a second signal may come in the middle of set(), which has a lock
            cancelled.set()

    before = {number: signal.signal(number, note) for number in system.CANCELLING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _LogHandler(logging.Handler):
    """Writes to stderr, where the status line makes room."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        LINE.clear()
        write_words(self.format(record))


def set_up_logging(verbosity: int, *, quiet: bool) -> None:
    """Let the library's log be seen on stderr: warnings; with -v more, with -vvv Paramiko's too."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG, logging.DEBUG)[min(verbosity, 3)]
    handler = _LogHandler()
    handler.setFormatter(logging.Formatter(f"{yellow('qxub:')} %(levelname)s: %(message)s"))
    name = "" if verbosity > 2 else "qxub"
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if quiet else level)
