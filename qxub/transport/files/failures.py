"""What a failure with a file is, whoever reports it: this system, SFTP, or a shell's tools."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.errors import (
    FileError,
    FileIsDirectory,
    FileNoSpace,
    FileNotFound,
    FilePermissionDenied,
)
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = "this computer"
NO_SPACE = "no space is left"
_FAILURE = 4
"""SSH_FX_FAILURE, the status for all that SFTP has no word for"""


@dataclass(frozen=True)
class _Kind:
    """`code` is SFTP's (section 7 of the draft), `words` what strerror(3) and shells say."""

    error: type[FileError]
    sentence: str
    errnos: tuple[int, ...]
    code: int | None
    words: tuple[str, ...]


KINDS = (
    _Kind(
        FileNotFound,
        "there is no such file or directory",
        (errno.ENOENT,),
        2,
        ("No such file", "nonexistent"),
    ),
    _Kind(
        FilePermissionDenied,
        "permission denied",
        (errno.EACCES, errno.EPERM),
        3,
        ("Permission denied", "Operation not permitted"),
    ),
    _Kind(FileIsDirectory, "it is a directory", (errno.EISDIR,), None, ("Is a directory",)),
    _Kind(
        FileNoSpace,
        NO_SPACE,
        (errno.ENOSPC, errno.EDQUOT),
        None,
        ("No space left", "uota exceeded"),
    ),
)
_OTHER = _Kind(FileError, "", (), None, ())


@contextmanager
def local_failures(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise what this system says of one of its files as a FileError."""
    try:
        yield
    except OSError as error:
        kind = next((kind for kind in KINDS if error.errno in kind.errnos), _OTHER)
        said = error.strerror or str(error)
        raise _failure(kind, "", os.fspath(path), f"{HERE} says: {said}") from error


def sftp_failure(host: str, path: bytes, code: int, text: str) -> FileError:
    """Give the error for a status of SFTP's."""
    kind = next((kind for kind in KINDS if kind.code == code), _OTHER)
    error = _failure(kind, host, path, _server_said(text))
    if code == _FAILURE:
        error.hint = "SFTP does not tell why. A quota that is used up is one reason."
    return error


def shell_failure(host: str, path: bytes, words: str) -> FileError:
    """Give the error for what a tool said on stderr: strerror(3)'s words come last there."""
    last = words.rpartition(": ")[2].strip()
    kind = next((kind for kind in KINDS if any(word in last for word in kind.words)), _OTHER)
    return _failure(kind, host, path, _server_said(words))


def failure(kind: type[FileError], host: str, path: bytes | str, sentence: str) -> FileError:
    """Give an error of our own finding; `host` is empty for this computer."""
    shown = show(path)
    return kind(f"{host or HERE}: {shown}: {sentence}", path=shown, host=host)


def show(path: bytes | str) -> str:
    """`path` for people: what is not printable is escaped."""
    text = path.decode("utf-8", "surrogateescape") if isinstance(path, bytes) else path
    return printable(text)


def _server_said(words: str) -> str:
    return f"the server says: {printable(words)}" if words else "the server does not say why"


def _failure(kind: _Kind, host: str, path: bytes | str, said: str) -> FileError:
    return failure(kind.error, host, path, f"{kind.sentence} ({said})" if kind.sentence else said)
