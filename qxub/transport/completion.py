"""How a remote process ended, as its server reported it (RFC 4254 section 6.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


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
