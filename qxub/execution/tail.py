"""The end of a growing file, as its bytes come to be seen on a shared file system."""

from __future__ import annotations

import errno
import logging
import os
from typing import IO, TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from pathlib import Path

PIECE = 1 << 16
"""bytes read at once"""
SHARE = 1 << 24
"""bytes handed on in one look at the most, so that whoever follows can look at other things, too"""

log = logging.getLogger(__name__)


class Tail:
    """Hands on what is appended to a file, in pieces, whatever becomes of the file.

    One that is not there yet may come later. One that is truncated is read from its new beginning,
    one that is replaced to its end and then the new one from its beginning.

    At the end of what is seen the file is opened again by its path: a client of NFS asks the
    server for the size then, and may answer from its cache at any other time (nfs(5),
    "close-to-open cache consistency"). ESTALE tells of a file that was removed or replaced there.
    """

    def __init__(self, path: Path, sink: Callable[[bytes], None]) -> None:
        self._path = path
        self._sink = sink
        self._file: IO[bytes] | None = None
        self._opened: os.stat_result | None = None
        """of that time, as one that was replaced on the server cannot be asked any more"""
        self._position = 0
        self._has_told = False

    def forward(self) -> int:
        """Hand on what is there, as far as SHARE; return how many bytes that was.

        Raises what the sink raises, and OSError for a file that cannot be read.
        """
        found = self._read(SHARE)
        if found < SHARE and self._open_again():
            found += self._read(SHARE - found)
        return found

    def size(self) -> int:
        """Return how many bytes the path has by now, handed on or not; 0 where it is gone."""
        try:
            with self._path.open("rb") as file:
                return os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, most: int) -> int:
        found = 0
        while self._file is not None and found < most:
            try:
                piece = self._file.read(PIECE)
            except OSError as error:
                if error.errno != errno.ESTALE:
                    raise
                self.close()
                break
            if not piece:
                break
            self._position += len(piece)
            found += len(piece)
            self._sink(piece)
        return found

    def _open_again(self) -> bool:
        """Open what the path names now, at the place to go on from; return whether it is there."""
        try:
            file = self._path.open("rb", buffering=0)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESTALE):
                raise
            return False  # not yet, or no more
        now = os.fstat(file.fileno())
        if self._opened is not None and not os.path.samestat(self._opened, now):
            self._tell("was replaced")
            self._position = 0
        elif now.st_size < self._position:
            self._tell("was truncated")
            self._position = 0
        self.close()
        self._file, self._opened = file, now
        file.seek(self._position)
        return True

    def _tell(self, what: str) -> None:
        if not self._has_told:
            self._has_told = True
            log.info("%s %s; it is read from its new beginning", self._path, what)
