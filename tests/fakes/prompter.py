"""A person who gives answers in order, and remembers what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Answers:
    """A Prompter. `asked` has each question with whether the answer would show; `told` the rest."""

    def __init__(self, answers: Iterable[str | None] = ()) -> None:
        self._answers = iter(answers)
        self.asked: list[tuple[str, bool]] = []
        self.told: list[str] = []

    def ask(self, text: str, *, echo: bool) -> str | None:
        self.asked.append((text, echo))
        return next(self._answers, None)

    def tell(self, text: str) -> None:
        self.told.append(text)
