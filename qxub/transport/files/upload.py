"""Putting a file on the host."""

from __future__ import annotations

import logging
import posixpath
from typing import TYPE_CHECKING

from qxub.transport.errors import (
    ConnectionLost,
    FileError,
    FileIntegrityError,
    FileIsDirectory,
    FileNotFound,
    TransportError,
)
from qxub.transport.files.checksum import read_back
from qxub.transport.files.failures import failure
from qxub.transport.files.local import part_name
from qxub.transport.files.status import Check, FileKind, Part, Transfer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.files.checksum import RemoteSha256
    from qxub.transport.files.local import SourceFile
    from qxub.transport.files.status import Progress, Way

log = logging.getLogger(__name__)

MAX_LINKS = 40
"""as Linux has it (path_resolution(7))"""


class Upload:
    """One file that is to be put in the place of `path`, or of what `path` leads to."""

    def __init__(
        self,
        host: str,
        way: Way,
        sha256: RemoteSha256,
        path: bytes,
        *,
        resume: bool,
        verify: bool,
        progress: Progress,
    ) -> None:
        self._host = host
        self._way = way
        self._sha256 = sha256
        self._resume = resume
        self._verify = verify
        self._progress = progress
        target = self._follow(path)
        directory, name = posixpath.split(target)
        beside = part_name(name, again=resume).encode("ascii")
        self._part = Part(posixpath.join(directory, beside), target)

    def run(self, source: SourceFile, mode: int) -> Transfer:
        """Send the source to a part, and let that take its place."""
        start = self._start(source) if self._resume else 0
        try:
            self._way.write(self._part, start, self._blocks(source, start))
            check = self._check(source) if self._verify else Check.NONE
            self._way.replace(self._part, mode)
        except BaseException as error:
            if not self._resume or isinstance(error, FileIntegrityError):
                self._remove(error)
            raise
        return Transfer(self._sent, start, check)

    def _follow(self, path: bytes) -> bytes:
        """Follow symbolic links, so that a link stays and the file that it leads to is replaced."""
        for _ in range(MAX_LINKS):
            try:
                kind = self._way.status(path, follow=False).kind
            except FileNotFound:
                kind = FileKind.FILE  # a new one
            if kind is FileKind.DIRECTORY or path.endswith(b"/"):
                raise failure(FileIsDirectory, self._host, path, "it is a directory")
            if kind is FileKind.FILE:
                return path
            if kind is not FileKind.SYMLINK:
                raise failure(FileError, self._host, path, "it is neither a file nor a directory")
            path = posixpath.join(posixpath.dirname(path), self._way.link_target(path))
        raise failure(FileError, self._host, path, "too many symbolic links lead on from it")

    def _start(self, source: SourceFile) -> int:
        """Tell how much of a kept part is used: all, if the source begins with it, or nothing.

        What cannot be used is removed. A part that others could have written is not used.
        """
        try:
            left = self._way.status(self._part.path, follow=False)
        except FileNotFound:
            return 0
        private = left.kind is FileKind.FILE and left.mode & 0o077 == 0
        if left.size and private and source.starts_with(left.size, self._digest(left.size)[0]):
            return left.size
        self._way.remove(self._part)
        return 0

    def _blocks(self, source: SourceFile, start: int) -> Iterator[bytes]:
        self._sent = start
        self._progress(start, source.size)
        for block in source.blocks():
            yield block
            self._sent += len(block)
            total = source.size
            self._progress(self._sent, None if total is None else max(total, self._sent))

    def _check(self, source: SourceFile) -> Check:
        digest, check = self._digest(self._sent)
        if digest != source.digest.hexdigest():
            sentence = "its SHA-256 is another than that of what was sent"
            raise failure(FileIntegrityError, self._host, self._part.target, sentence)
        return check

    def _digest(self, size: int) -> tuple[str, Check]:
        """Get the SHA-256 of the part: from the host, or by reading it back."""
        far = self._sha256(self._part.path, size)
        if far is not None:
            return far, Check.SHA256
        return read_back(self._way, self._part.path, size), Check.READ_BACK

    def _remove(self, reason: BaseException) -> None:
        """Remove the part after a failure, where that can still be done."""
        if isinstance(reason, ConnectionLost):
            return
        try:
            self._way.remove(self._part)
        except TransportError as error:  # `reason` is being raised
            log.info("%s stays behind: %s", self._part.path, error)
