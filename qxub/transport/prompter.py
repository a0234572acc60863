"""How the transport asks a person: passphrases, passwords, one-time codes, unknown host keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Prompter(Protocol):
    """Somebody who may be asked. Texts come with control characters made visible."""

    def ask(self, text: str, *, echo: bool) -> str | None:
        """Ask with `text`, showing what is typed or not; None: there is nobody, or no answer."""

    def tell(self, text: str) -> None:
        """Show what a server has to say, such as its banner."""


class Nobody:
    """The Prompter of programs, and of BatchMode: there is nobody to ask."""

    def ask(self, text: str, *, echo: bool) -> str | None:
        """Answer nothing."""
        del text, echo
        return None

    def tell(self, text: str) -> None:
        """Show nothing."""


class Muted:
    """What BatchMode makes of a Prompter: it is told things, and never asked."""

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter

    def ask(self, text: str, *, echo: bool) -> str | None:
        """Answer nothing."""
        del text, echo
        return None

    def tell(self, text: str) -> None:
        """Show a text."""
        self._prompter.tell(text)


class Callbacks:
    """A Prompter made of functions, for programs that have their own way to ask.

    `ask` takes the text and whether the answer may be shown, and returns it, or None. Both are
    called in the thread that connects.
    """

    def __init__(
        self,
        ask: Callable[[str, bool], str | None],
        tell: Callable[[str], object] = lambda _text: None,
    ) -> None:
        self._ask = ask
        self._tell = tell

    def ask(self, text: str, *, echo: bool) -> str | None:
        """Call the function."""
        return self._ask(text, echo)

    def tell(self, text: str) -> None:
        """Call the function."""
        self._tell(text)


NOBODY = Nobody()
