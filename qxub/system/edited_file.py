"""Changing a file that somebody else may change, too: whole, with a backup, or not at all."""

from __future__ import annotations

import datetime as dt
import os
from itertools import count
from typing import TYPE_CHECKING

from qxub.system import copy_permissions, replace, restrict_to_owner

if TYPE_CHECKING:
    from pathlib import Path

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class FileBusyError(Exception):
    """The file is not as it was read, or somebody is at work on it; nothing was changed."""


def read_content(path: Path) -> bytes | None:
    """Return what the file has, None where there is none. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def replace_content(path: Path, before: bytes | None, after: bytes) -> Path | None:
    """Replace the content in one step, keeping owner and mode; return the backup's path.

    `before` is what was read, None for a file that was not there: it is made for its owner alone,
    as is the backup. On Windows the file is its owner's alone from now on. The names of both files
    beside it begin with a dot, so that `Include config*` takes neither. Raises OSError, and
    FileBusyError when the file is no longer as it was.
    """
    new = path.with_name(f".{path.name}.qxub-new")
    try:
        handle = os.open(new, _NEW_FILE, 0o600)
    except FileExistsError as error:
        message = f"another qxub is writing {path}; if none is, remove {new}"
        raise FileBusyError(message) from error
    try:
        _fill(new, handle, after)
        if read_content(path) != before:
            raise FileBusyError(f"{path} has been changed in the meantime")
        backup = None if before is None else _back_up(path, before)
        if before is not None:
            copy_permissions(path, new)
        replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return backup


def _back_up(path: Path, content: bytes) -> Path:
    """Write a copy under a name of its own, so that no earlier one is lost."""
    stem = f".{path.name}.backup-{dt.datetime.now(dt.timezone.utc):%Y%m%dT%H%M%SZ}"
    for number in count(1):
        backup = path.with_name(stem if number == 1 else f"{stem}-{number}")
        try:
            handle = os.open(backup, _NEW_FILE, 0o600)
        except FileExistsError:
            continue
        _fill(backup, handle, content)
        return backup
    raise AssertionError


def _fill(path: Path, handle: int, content: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        restrict_to_owner(path)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
