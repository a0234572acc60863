"""Files that only their owner can read, written whole and renamed into place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qxub.system import replace, restrict_to_owner

if TYPE_CHECKING:
    from pathlib import Path

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def make_private_directory(path: Path) -> None:
    """Make `path` (and what is missing above it) for its owner alone, whatever the umask.

    Raises FileExistsError when it is there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.mkdir(mode=0o700)
    restrict_to_owner(path)


def create_private(path: Path, content: bytes = b"", mode: int = 0o600) -> None:
    """Write a file that is not there yet; others may see it half written.

    Raises FileExistsError when it is there.
    """
    with os.fdopen(os.open(path, _NEW_FILE, mode), "wb") as file:
        restrict_to_owner(path)
        file.write(content)


def write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write `content` to `path` in one step that other processes see whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    try:
        create_private(part, content, mode)
    except FileExistsError:  # of one that was killed
        part.unlink()
        create_private(part, content, mode)
    replace(part, path)
