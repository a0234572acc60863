"""How often a scheduler may be asked: `monitoring` in the settings and in a platform definition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qxub.yaml_file import Values


@dataclass(frozen=True)
class Monitoring:
    """What is said of it; None leaves it to what is asked next, and at last to the scheduler."""

    interval: float | None = None
    """seconds between two queries at the least, for all of a user's processes on a machine"""
    jitter: float | None = None
    """the part of the interval by which a query may come later"""

    def or_else(self, other: Monitoring) -> Monitoring:
        """Return this, with what the other says where this says nothing."""
        return Monitoring(
            other.interval if self.interval is None else self.interval,
            other.jitter if self.jitter is None else self.jitter,
        )


def read_monitoring(values: Values, *key: str) -> Monitoring:
    """Read `monitoring.*` below `key`. Raises ConfigError, with file and line, for no number."""
    at = (*key, "monitoring")
    interval = values.parsed(_parse_interval, *at, "interval")
    return Monitoring(interval, values.parsed(_parse_jitter, *at, "jitter"))


def _parse_interval(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds < math.inf:
        message = f"{text} is not a number of seconds of at least 1"
        raise ValueError(message)
    return seconds


def _parse_jitter(text: str) -> float:
    part = float(text)
    if not 0 <= part <= 1:
        message = f"{text} is not a part of the interval, from 0 to 1"
        raise ValueError(message)
    return part
