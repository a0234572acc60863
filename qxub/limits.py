"""The limits of a queue, and what a job asks beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.quantities import format_memory, format_walltime

if TYPE_CHECKING:
    from qxub.job import Resources


@dataclass(frozen=True)
class Limits:
    """What one job may ask for; None is no limit."""

    cpus: int | None = None
    memory: int | None = None
    """bytes"""
    walltime: int | None = None
    """seconds"""

    def broken_by(self, asked: Resources) -> list[str]:
        """Return a sentence for each limit that the job is over, in the words of its options."""
        return [
            f"{option} {write(amount)} is over {write(limit)}"
            for option, amount, limit, write in (
                ("--cpus", asked.cpus, self.cpus, str),
                ("--mem", asked.memory, self.memory, format_memory),
                ("--runtime", asked.walltime, self.walltime, format_walltime),
            )
            if amount is not None and limit is not None and amount > limit
        ]
