"""What is told of a file and of a transfer, and what a way to the files has to be able to do."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Callable, Optional, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

Progress = Callable[[int, Optional[int]], None]
"""called with the bytes that are done and those in total, None where that is not known"""


class FileKind(Enum):
    """What a name stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"

    @classmethod
    def of(cls, mode: int) -> FileKind:
        """Read it from st_mode (inode(7))."""
        kinds = {
            stat.S_IFREG: cls.FILE,
            stat.S_IFDIR: cls.DIRECTORY,
            stat.S_IFLNK: cls.SYMLINK,
        }
        return kinds.get(stat.S_IFMT(mode), cls.OTHER)


@dataclass(frozen=True)
class FileStatus:
    """What the host tells of a file.

    `size` is in bytes, `mode` the twelve permission bits, and `mtime` the time of the last change
    in whole seconds since 1970, or None where the host cannot tell it to the second.
    """

    size: int
    mode: int
    mtime: int | None
    kind: FileKind


class Check(Enum):
    """By what it is known that a file arrived as it was sent: the first that is possible."""

    SHA256 = "SHA-256"
    """the host computed the same SHA-256 as this side"""
    SIZE_AND_TIME = "size and time"
    """what was got is as long as the host says, and has the same size and time after as before"""
    READ_BACK = "read back"
    """it was read once more, from the host, and had the same SHA-256"""
    NONE = "none"
    """it was not wanted"""


@dataclass(frozen=True)
class Transfer:
    """A transfer that succeeded: `size` bytes, of which the first `start` were there already."""

    size: int
    start: int
    check: Check


@dataclass(frozen=True)
class Part:
    """A file that is being written on the host, beside the `target` whose place it will take."""

    path: bytes
    target: bytes


class Way(Protocol):
    """A way to the files of a host, for one thread at a time. Names are bytes, as they are there.

    Everything raises FileError, ChannelError and ConnectionLost.
    """

    @property
    def name(self) -> str:
        """Its name: "sftp" or "plain"."""

    def status(self, path: bytes, *, follow: bool) -> FileStatus:
        """Tell what a file is; of a symbolic link, or of what it leads to."""

    def link_target(self, path: bytes) -> bytes:
        """Tell what a symbolic link says."""

    def names(self, path: bytes) -> list[bytes]:
        """List a directory, without "." and ".."."""

    def read(self, path: bytes, offset: int, size: int) -> Generator[bytes, None, None]:
        """Read a file from `offset` to its end, which is expected at `size`."""

    def write(self, part: Part, offset: int, blocks: Iterable[bytes]) -> None:
        """Write a new, private part, or from `offset` on one that is there; and see it on disk."""

    def replace(self, part: Part, mode: int) -> None:
        """Give the part its mode and, in one step, its target's place."""

    def remove(self, part: Part) -> None:
        """Remove a part."""

    def close(self) -> None:
        """End it."""
