"""How the transport asks a person: passphrases, passwords, one-time codes, unknown host keys."""

from __future__ import annotations

from typing import Protocol


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


NOBODY = Nobody()
