"""How a remote process ended, as its server reported it (RFC 4254 section 6.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

SIGNAL_NUMBERS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "ILL": 4,
    "ABRT": 6,
    "FPE": 8,
    "KILL": 9,
    "USR1": 10,
    "SEGV": 11,
    "USR2": 12,
    "PIPE": 13,
    "ALRM": 14,
    "TERM": 15,
}
"""the signals of RFC 4254 section 6.10, by the numbers that Linux gives them (signal(7))"""


@dataclass(frozen=True)
class Exited:
    """The process ended by itself, with this exit status (32 bits unsigned on the wire)."""

    status: int


@dataclass(frozen=True)
class Signalled:
    """The process was killed by the signal `name`, without "SIG", such as "TERM"."""

    name: str
    core_dumped: bool
    message: str


@dataclass(frozen=True)
class NoStatus:
    """The server closed the channel in good order and reported neither status nor signal."""


Ending = Union[Exited, Signalled, NoStatus]


@dataclass(frozen=True)
class TimedOut:
    """The time limit came first, and the process was ended for it.

    `ending` is how it then ended; None where it was left behind when the channel was closed.
    """

    ending: Ending | None


Completion = Union[Ending, TimedOut]
