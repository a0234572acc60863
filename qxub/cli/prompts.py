"""Questions to the person at the terminal."""

from __future__ import annotations

import getpass
import sys

from qxub import system


class TerminalPrompter:
    """Asks at the terminal, wherever stdin comes from; where there is none, nobody answers."""

    def ask(self, text: str, *, echo: bool) -> str | None:
        """Ask with `text`; what is typed is shown only if `echo` says so."""
        if not system.has_terminal():
            return None
        try:
            return input(text) if echo else getpass.getpass(text)
        except EOFError:
            sys.stderr.write("\n")
            return None

    def tell(self, text: str) -> None:
        """Show a text on stderr."""
        sys.stderr.write(text.rstrip("\n") + "\n")
