"""The members of a job in the database: how they end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from qxub.job import OutcomeKind


@dataclass(frozen=True)
class MemberEnding:
    """How a member ended, and what it used."""

    kind: OutcomeKind
    status: int | None = None
    signal: int | None = None
    detail: str = ""
    cpu_time: float | None = None
    """seconds"""
    memory_peak: int | None = None
    """bytes: of all processes together where the job had a limit, else of the largest"""


def end_member(queue: sqlite3.Connection, number: int, index: int, ending: MemberEnding) -> None:
    """Write down how a member ended; what waits for it is still to be settled."""
    queue.execute(
        "UPDATE members SET state = 'ended', kind = ?, status = ?, signal = ?, detail = ?,"
        " cpu_time = ?, memory_peak = ?, ended_at = ? WHERE job = ? AND array_index = ?",
        (
            ending.kind.label,
            ending.status,
            ending.signal,
            ending.detail,
            ending.cpu_time,
            ending.memory_peak,
            time.time(),
            number,
            index,
        ),
    )
    queue.execute(
        "UPDATE jobs SET environment = NULL WHERE number = ? AND NOT EXISTS"
        " (SELECT 1 FROM members WHERE job = jobs.number AND state != 'ended')",
        (number,),
    )
