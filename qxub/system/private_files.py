"""Files that only their owner can read, written whole and renamed into place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qxub.system import replace, restrict_to_owner

if TYPE_CHECKING:
    from pathlib import Path


def make_private_directory(path: Path) -> None:
    """Make `path` (and what is missing above it) for its owner alone, whatever the umask.

    Raises FileExistsError when it is there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.mkdir(mode=0o700)
    restrict_to_owner(path)


def write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write `content` to `path` in one step that other processes see whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as file:
        restrict_to_owner(part)
        file.write(content)
    replace(part, path)
