"""A question to a scheduler, answered by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

    from qxub.scheduler.base import Answer

T = TypeVar("T")


def converse(question: Generator[list[str], Answer, T], *answers: Answer) -> tuple[T, list[str]]:
    """Return what the question comes to, and the commands that it took, each as one text.

    It must take all the answers, and no more.
    """
    commands = [" ".join(next(question))]
    for answer in answers:
        try:
            commands.append(" ".join(question.send(answer)))
        except StopIteration as end:
            assert answer is answers[-1], f"the question ended before {answer}"
            found: T = end.value
            return found, commands
    raise AssertionError(f"nobody answers {commands[-1]}")
