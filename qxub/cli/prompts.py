"""Questions to the person at the terminal."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from qxub import system

if TYPE_CHECKING:
    from pathlib import Path


def ask_passphrase(file: Path) -> str | None:
    """Ask for the passphrase of a key file, without showing it; None where there is no terminal."""
    if not system.has_terminal():
        return None
    try:
        return getpass.getpass(f"Passphrase for {file}: ")
    except EOFError:
        sys.stderr.write("\n")
        return None
