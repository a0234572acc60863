"""What an execution context is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.job import JobSpec
    from qxub.option import Option

CONTEXTS: list[type[Context]] = []
"""every kind of context"""


class Step(NamedTuple):
    """Lines of the job script that come before the command; a failure names `purpose`.

    The lines are bash's, and their last command tells whether the step has succeeded. What they
    print is shown when it has not. Their own variables and functions begin with `qxub_`.
    """

    purpose: str
    lines: Sequence[str]


class Context(ABC):
    """One kind of surroundings of the command."""

    options: ClassVar[tuple[Option, ...]]
    """what asks for it on the command line"""
    rank: ClassVar[int]
    """contexts are entered from the lowest to the highest"""

    def __init_subclass__(cls) -> None:
        CONTEXTS.append(cls)

    @classmethod
    @abstractmethod
    def of(cls, spec: JobSpec) -> Context | None:
        """Return the context that the job asks for, or None."""

    @abstractmethod
    def steps(self) -> list[Step]:
        """Return what must be done before the command, in the shell that becomes its parent."""

    def prefix(self) -> list[str]:
        """Return shell words, already quoted, that stand before the command: none."""
        return []
