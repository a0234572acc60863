"""Getting a file from the host."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

from qxub.transport.errors import FileError, FileIntegrityError, FileIsDirectory
from qxub.transport.files.checksum import read_back
from qxub.transport.files.failures import failure, local_failures
from qxub.transport.files.local import LocalPart
from qxub.transport.files.status import Check, FileKind, Transfer

if TYPE_CHECKING:
    import os

    from qxub.transport.files.checksum import RemoteSha256
    from qxub.transport.files.status import Progress, Way
    from qxub.transport.sinks import Sink


class Download:
    """One file that is to be got. Making it asks the host what the file is."""

    def __init__(
        self,
        host: str,
        way: Way,
        sha256: RemoteSha256,
        path: bytes,
        *,
        verify: bool,
        progress: Progress,
    ) -> None:
        self._host = host
        self._way = way
        self._sha256 = sha256
        self._path = path
        self._verify = verify
        self._progress = progress
        self._status = way.status(path, follow=True)
        self._digest = hashlib.sha256()
        if self._status.kind is FileKind.DIRECTORY:
            raise failure(FileIsDirectory, host, path, "it is a directory")
        if self._status.kind is not FileKind.FILE:
            raise failure(FileError, host, path, "it is neither a file nor a directory")

    def to_sink(self, sink: Sink) -> Transfer:
        """Pass the file on to a function."""
        return self._receive(0, sink)

    def to_file(self, local: str | os.PathLike[str], *, resume: bool) -> Transfer:
        """Write a file, which appears when it is complete, and replaces what was there."""
        part = LocalPart(local, keep=resume)
        start = self._start(part) if resume else 0
        try:
            with part.writing(start, self._status.mtime) as write:
                return self._receive(start, write)
        except FileIntegrityError:
            with local_failures(part.path):
                part.remove()  # nothing to go on with
            raise

    def _start(self, part: LocalPart) -> int:
        """Tell how much of a part is used: all of it, if the host has the same, or nothing.

        The same is told by SHA-256. Where the host cannot compute one, size and time have to do:
        the part has the time that the file had when its transfer broke off.
        """
        left = part.status()
        if left is None or not 0 < left.st_size <= self._status.size:
            return 0
        digest = part.hash_of(left.st_size)
        far = self._sha256(self._path, left.st_size)
        same = (
            int(left.st_mtime) == self._status.mtime if far is None else far == digest.hexdigest()
        )
        if not same:
            return 0
        self._digest = digest
        return left.st_size

    def _receive(self, start: int, sink: Sink) -> Transfer:
        done, total = start, self._status.size
        self._progress(done, total)
        with closing(self._way.read(self._path, start, total)) as blocks:
            for block in blocks:
                self._digest.update(block)
                sink(block)
                done += len(block)
                self._progress(done, max(done, total))
        return Transfer(done, start, self._check(done) if self._verify else Check.NONE)

    def _check(self, size: int) -> Check:
        far, check = self._sha256(self._path, size), Check.SHA256
        if far is None:
            status = self._way.status(self._path, follow=True)
            if status != self._status or status.size != size:
                raise self._damaged("it changed while it was read")
            if status.mtime is not None:
                return Check.SIZE_AND_TIME
            far, check = read_back(self._way, self._path, size), Check.READ_BACK
        if far != self._digest.hexdigest():
            raise self._damaged("its SHA-256 is another than that of what came")
        return check

    def _damaged(self, sentence: str) -> FileError:
        return failure(FileIntegrityError, self._host, self._path, sentence)
