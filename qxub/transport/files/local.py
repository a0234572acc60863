"""The files on this side: what is sent, and the part of what is being received."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Union

from qxub.transport.errors import FileIsDirectory
from qxub.transport.files.failures import failure, local_failures

if sys.platform == "win32":
    from qxub.transport import _files_windows as twin
else:
    from qxub.transport import _files_posix as twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from qxub.transport.sinks import Sink

log = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 18

Source = Union[str, "os.PathLike[str]", bytes, IO[bytes]]
"""what `put` sends: the path of a file, the content itself, or an open binary file"""


def part_name(target: bytes, *, again: bool) -> str:
    """Name a part: so that it is found again, or so that nothing else has the name.

    It does not grow with the target's name, which may be as long as names can be.
    """
    token = hashlib.sha256(target).hexdigest()[:16] if again else secrets.token_hex(8)
    return f".qxub-{token}.part"


class LocalPart:
    """A private file beside the one whose place it takes when it is complete.

    With `keep` it outlives a failure, and a later transfer may go on where this one ended. Its
    time of change then is that of the remote file. Raises FileError.
    """

    def __init__(self, target: str | os.PathLike[str], *, keep: bool) -> None:
        self._target = Path(os.path.realpath(target))
        if self._target.is_dir():
            raise failure(FileIsDirectory, "", str(target), "it is a directory")
        name = part_name(os.fsencode(self._target.name), again=keep)
        self.path = self._target.with_name(name)
        self._keep = keep

    def status(self) -> os.stat_result | None:
        """Tell what is there already, if that is a file."""
        with local_failures(self.path), suppress(FileNotFoundError):
            status = self.path.lstat()
            if stat.S_ISREG(status.st_mode):
                return status
        return None

    def hash_of(self, count: int) -> hashlib._Hash:
        """Compute the SHA-256 of the first `count` bytes, to be continued."""
        digest = hashlib.sha256()
        with local_failures(self.path), self.path.open("rb") as file:
            hash_prefix(file, count, digest)
        return digest

    @contextmanager
    def writing(self, start: int, mtime: int | None) -> Iterator[Sink]:
        """Write it from `start` on, by what is given. At the end of the body it takes its place."""
        with local_failures(self._target):
            if start == 0:
                self.remove()
            file = self._open(start)

        def write(data: bytes) -> None:
            with local_failures(self._target):
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]

        try:
            with file:
                yield write
                with local_failures(self._target):
                    os.fsync(file.fileno())
            with local_failures(self._target):
                self.path.replace(self._target)
        except BaseException:
            self._end(mtime)
            raise

    def remove(self) -> None:
        """Remove it, if it is there. Raises OSError."""
        self.path.unlink(missing_ok=True)

    def _open(self, start: int) -> io.FileIO:
        """Open it without a buffer, whose contents would be written once more by closing it."""
        flags = os.O_WRONLY | getattr(os, "O_BINARY", 0)
        if start:
            return io.FileIO(os.open(self.path, flags | os.O_APPEND), "ab")
        file = io.FileIO(os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        twin.restrict_to_owner(self.path)
        return file

    def _end(self, mtime: int | None) -> None:
        """Leave it for a later transfer, or remove it."""
        try:
            if not self._keep:
                self.remove()
            elif mtime is not None:
                os.utime(self.path, (mtime, mtime))
        except OSError as error:  # a failure is being raised already
            log.info("%s stays as it is: %s", self.path, error)


def hash_prefix(file: IO[bytes], count: int, digest: hashlib._Hash) -> bool:
    """Add the next `count` bytes of `file` to `digest`; tell whether there were as many."""
    while count:
        block = file.read(min(count, BLOCK_BYTES))
        if not block:
            return False
        digest.update(block)
        count -= len(block)
    return True


class SourceFile:
    """What is to be sent, opened; a context manager. `size` is None where it is not known."""

    def __init__(self, source: Source) -> None:
        self.size: int | None = None
        self.digest = hashlib.sha256()
        self._path = ""
        self._opened: IO[bytes] | None = None
        if isinstance(source, bytes):
            self.size = len(source)
            self._file: IO[bytes] = io.BytesIO(source)
        elif isinstance(source, (str, os.PathLike)):
            self._path = os.fspath(source)
            self._file = self._opened = self._open()
        else:
            self._path = "the open file"
            self._file = source

    def starts_with(self, count: int, sha256: str) -> bool:
        """Tell whether the first `count` bytes have this SHA-256; if so, they count as read."""
        with local_failures(self._path):
            if hash_prefix(self._file, count, self.digest) and self.digest.hexdigest() == sha256:
                return True
            self._file.seek(0)
            self.digest = hashlib.sha256()
            return False

    def blocks(self) -> Iterator[bytes]:
        """Give the rest, block by block; `digest` becomes that of all that was read."""
        while True:
            with local_failures(self._path):
                block = self._file.read(BLOCK_BYTES)
            if not block:
                return
            self.digest.update(block)
            yield block

    def _open(self) -> IO[bytes]:
        with local_failures(self._path):
            if Path(self._path).is_dir():  # which Windows calls a lack of permission
                raise failure(FileIsDirectory, "", self._path, "it is a directory")
            file = Path(self._path).open("rb")  # noqa: SIM115 - the context manager's
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode):
                self.size = status.st_size
            return file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened:
            self._opened.close()
