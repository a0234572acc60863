"""Questions to the person at the terminal, or through SSH_ASKPASS where there is none."""

from __future__ import annotations

import sys

from qxub.cli import askpass

if sys.platform == "win32":
    from qxub.cli import _terminal_windows as terminal
else:
    from qxub.cli import _terminal_posix as terminal


class TerminalPrompter:
    """Asks at the terminal, wherever stdin comes from; else by SSH_ASKPASS; else nobody answers."""

    def ask(self, text: str, *, echo: bool) -> str | None:
        """Ask with `text`; what is typed is shown only if `echo` says so."""
        if askpass.is_preferred() or not terminal.has_terminal():
            return askpass.ask(text)
        try:
            return terminal.ask(text, echo=echo)
        except OSError:
            return None  # it has gone, and with it the person

    def tell(self, text: str) -> None:
        """Show a text on stderr."""
        sys.stderr.write(text.rstrip("\n") + "\n")
