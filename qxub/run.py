"""A run: one invocation of `qxub exec`, known by its run ID, and whoever watches it."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from qxub.job import Outcome

RUN_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}")


def new_run_id() -> str:
    """Return an identifier that sorts by time (UTC) and that no other run has."""
    now = dt.datetime.now(dt.timezone.utc)
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


class RunObserver(Protocol):
    """What a run tells whoever watches it: the console, or the frames to a laptop.

    An observer may raise; the run then stops being followed, and the job goes on.
    """

    def stdout(self, data: bytes) -> None:
        """Take the job's next bytes of stdout."""

    def stderr(self, data: bytes) -> None:
        """Take the job's next bytes of stderr."""

    def event(self, name: str, **details: str) -> None:
        """Take note that something happened: connected, submitted, started, cancelling, …."""

    def tick(self) -> None:
        """Be called now and then while nothing happens; the place for a sign of life."""

    def end(self, outcome: Outcome) -> None:
        """Take the outcome; nothing comes after it."""
