"""How a command over there ended: what is said of it, and the exit status that stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.cli.boundary import tell
from qxub.job import OutcomeKind
from qxub.transport.completion import SIGNAL_NUMBERS, Exited, NoStatus, Signalled, TimedOut

if TYPE_CHECKING:
    from qxub.transport import Completion

NOT_KNOWN = 255
"""the exit status where the command's own is not known, as ssh has it"""


def status_of_signal(name: str) -> int:
    """Give 128 + the number of a signal, as shells do; 255 for one that has no number here."""
    return 128 + SIGNAL_NUMBERS[name] if name in SIGNAL_NUMBERS else NOT_KNOWN


def conclude(host: str, completion: Completion) -> int:
    """Say how the command ended, unless it did so by itself, and return the exit status."""
    if isinstance(completion, Exited) and completion.status <= 255:
        return completion.status
    tell(f"{host}: {_in_words(completion)}")
    if isinstance(completion, TimedOut):
        return OutcomeKind.WALLTIME_EXCEEDED.exit_status or NOT_KNOWN
    return status_of_signal(completion.name) if isinstance(completion, Signalled) else NOT_KNOWN


def _in_words(completion: Completion) -> str:
    if isinstance(completion, Exited):
        return f"the command ended with exit status {completion.status}, which no shell knows"
    if isinstance(completion, Signalled):
        core = " and dumped core" if completion.core_dumped else ""
        more = f" ({completion.message})" if completion.message else ""
        return f"the command was ended by the signal {completion.name}{core}{more}"
    if isinstance(completion, NoStatus):
        return "the server did not say how the command ended"
    if completion.ending is None:
        return "the command's time was over, and it was left behind: it may still run"
    return "the command's time was over, and it was ended"
