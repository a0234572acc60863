"""The Windows twin: opening a key file. Mode bits mean nothing here, so nothing is judged."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

assert sys.platform == "win32"  # noqa: S101 - a Windows twin; mypy skips it elsewhere


def open_without_waiting(file: Path) -> int:
    """Open for reading. Raises OSError."""
    return os.open(file, os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)


def objection(status: os.stat_result) -> str:
    """Say nothing."""
    del status
    return ""
