"""While a job waits: one line on the terminal that is written over, and gone before any other."""

from __future__ import annotations

import os
import sys
import threading
import time

from qxub.cli.colours import dim
from qxub.cli.own_words import write_words
from qxub.job import NOT_STARTED, JobState
from qxub.quantities import format_clock

WAITING = tuple(state.value for state in (*NOT_STARTED, JobState.SUSPENDED))
"""events after which a job does not run"""
FIRST_DRAW = 0.5
REDRAW_INTERVAL = 1.0
"""seconds until the line is there, and between two changes of its clock"""
SPARSE_INTERVAL = 60.0
"""seconds between two plain lines that differ in the reason only"""


class StatusLine:
    """A line at the bottom of the terminal behind stderr.

    It takes nothing but carriage returns and blanks, so that every console can show it.
    """

    def __init__(self) -> None:
        self._length = 0
        self._lock = threading.RLock()

    def show(self, text: str) -> None:
        """Write the line, over what it was before."""
        text = text[: _width() - 1]
        with self._lock:
            blanks = " " * (self._length - len(text))
            write_words(f"\r{dim(text)}{blanks}", ends_line=False)
            self._length = max(len(text), self._length)

    def clear(self) -> None:
        """Take the line away, where there is one: something else is about to be written."""
        with self._lock:
            if self._length:
                write_words(f"\r{' ' * self._length}\r", ends_line=False)
                self._length = 0


LINE = StatusLine()
"""the one line of this process's terminal"""


class Waiting:
    """What a job waits for, in words, and when it is time to say so."""

    def __init__(self) -> None:
        self.is_on = False
        self._state = ""
        self._words = ""
        self._since = 0.0
        self._next_draw = 0.0
        self._next_plain = 0.0

    def begin(self, state: str, details: dict[str, str]) -> bool:
        """Take note of a state; return whether it is worth a line where lines stay."""
        now = time.monotonic()
        if not self.is_on:
            self.is_on, self._since, self._next_draw = True, now, now + FIRST_DRAW
        words = _words(state, details)
        is_news = state != self._state or (words != self._words and now >= self._next_plain)
        if is_news:
            self._next_plain = now + SPARSE_INTERVAL
        self._state, self._words = state, words
        return is_news

    def end(self) -> None:
        """Take note that the job waits no more."""
        self.is_on, self._state = False, ""
        LINE.clear()

    def draw(self) -> None:
        """Bring the line on the terminal up to date, about once in a second."""
        now = time.monotonic()
        if self.is_on and now >= self._next_draw:
            self._next_draw = now + REDRAW_INTERVAL
            LINE.show(f"qxub: {self._words}; {format_clock(int(now - self._since))} so far")

    def __str__(self) -> str:
        """Return what the job waits for."""
        return self._words


def _words(state: str, details: dict[str, str]) -> str:
    queue = f" in {details['queue']}" if "queue" in details else ""
    reason = f" ({details['reason']})" if "reason" in details else ""
    start = f", to start about {_clock(details['starts_at'])}" if "starts_at" in details else ""
    words = f"job {details['job_id']} is {state}{queue}{reason}{start}"
    return "".join(letter if letter.isprintable() else "?" for letter in words)


def _clock(seconds: str) -> str:
    """Return a time as people say it: with the day, where that is not today."""
    then, today = time.localtime(float(seconds)), time.localtime()
    is_today = then[:3] == today[:3]
    return time.strftime("%H:%M" if is_today else "%a %d %b %H:%M", then)


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 80
