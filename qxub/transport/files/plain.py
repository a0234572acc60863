"""The way without SFTP: POSIX tools on the host, run by scripts (see shell.py)."""

from __future__ import annotations

import re
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qxub.transport.errors import ChannelError
from qxub.transport.files.failures import shell_failure
from qxub.transport.files.shell import Script
from qxub.transport.files.status import FileKind, FileStatus

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from qxub.transport.connection import Connection
    from qxub.transport.files.status import Part

# stat(1) is not in POSIX; where there is none, or another than GNU's and busybox's, ls is.
_STATUS = b"""
if stat -c %%Y / >/dev/null 2>&1
then stat %(follow)s -c '%%f %%s %%Y' -- "$1"
else ls -dn%(follow_ls)s -- "$1"
fi"""

_NAMES = rb"""find "$1/." ! -name . -prune -exec printf '%s\000' {} +"""
_LINK_TARGET = b"""readlink -n -- "$1" """
_READ = b"""cat <"$1" """
_READ_FROM = b"""tail -c +%d <"$1" """

# Opened once, before anything is sent, so that one that is removed after a failure does not come
# back. noclobber (-C) makes it a new file. The last lines flush it, where dd knows how.
_CREATE = b"""umask 077; set -C; exec 3>&1
{ ready >&3; cat; } >"$1" || exit
"""
# Not at the end: an earlier cat, whose line was cut, may just now be writing what had reached it.
_CONTINUE = b"""exec 3>&1
{ ready >&3; dd bs=1 seek=%d count=0 conv=notrunc 2>/dev/null && cat; } 1<>"$1" || exit
"""
_SYNCHRONIZE = b"""said=$(dd if=/dev/null conv=notrunc,fsync 2>&1 1<"$1") && exit
case $said in *conv*) ;; *) printf '%s\\n' "$said" >&2; exit 1;; esac"""

# mv would move it into a directory
_REPLACE = b"""if [ -d "$2" ]; then echo "mv: Is a directory" >&2; exit 1; fi
chmod %04o "$1" && mv -f "$1" "$2" """
_REMOVE = b"""rm -f "$1" """

_STAT_LINE = re.compile(rb"([0-9a-f]+) (\d+) (-?\d+)\n")
_LS_LINE = re.compile(rb"([-a-zA-Z])([-rwxsStT]{9})\S* +\d+ +\d+ +\d+ +(\d+)")
_PERMISSIONS = {stat.filemode(mode)[1:].encode(): mode for mode in range(0o10000)}
_LS_KINDS = {b"-": FileKind.FILE, b"d": FileKind.DIRECTORY, b"l": FileKind.SYMLINK}


class PlainWay:
    """See Way."""

    name = "plain"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._host = connection.host.alias

    def status(self, path: bytes, *, follow: bool) -> FileStatus:
        """By stat(1), or ls(1)."""
        options = {b"follow": b"-L" if follow else b"", b"follow_ls": b"L" if follow else b""}
        return self._read_status(self._run(path, _STATUS % options, path))

    def link_target(self, path: bytes) -> bytes:
        """By readlink(1)."""
        return self._run(path, _LINK_TARGET, path)

    def names(self, path: bytes) -> list[bytes]:
        """By find(1) and printf(1)."""
        found = self._run(path, _NAMES, path).split(b"\0")[:-1]
        return [name.rpartition(b"/")[2] for name in found]

    def read(self, path: bytes, offset: int, size: int) -> Generator[bytes, None, None]:
        """By cat(1) or tail(1)."""
        del size
        commands = _READ_FROM % (offset + 1) if offset else _READ
        with self._script(path, commands, path) as script:
            yield from script.output()

    def write(self, part: Part, offset: int, blocks: Iterable[bytes]) -> None:
        """By cat(1) and dd(1)."""
        commands = _CONTINUE % offset if offset else _CREATE
        with self._script(part.target, commands + _SYNCHRONIZE, part.path) as script:
            script.feed(blocks)

    def replace(self, part: Part, mode: int) -> None:
        """By chmod(1) and mv(1)."""
        self._run(part.target, _REPLACE % mode, part.path, part.target)

    def remove(self, part: Part) -> None:
        """By rm(1)."""
        self._run(part.path, _REMOVE, part.path)

    def close(self) -> None:
        """Do nothing: each script has a channel of its own."""

    @contextmanager
    def _script(self, path: bytes, commands: bytes, *words: bytes) -> Iterator[Script]:
        """Run a script that is about `path`. Raises FileError at its end when it failed."""
        with Script(self._connection, commands, *words) as script:
            yield script
            answer = script.answer()
        if answer.status != 0:
            raise shell_failure(self._host, path, answer.words)

    def _run(self, path: bytes, commands: bytes, *words: bytes) -> bytes:
        with self._script(path, commands, *words) as script:
            return b"".join(script.output())

    def _read_status(self, line: bytes) -> FileStatus:
        found = _STAT_LINE.fullmatch(line)
        if found:
            mode = int(found[1], 16)
            return FileStatus(int(found[2]), stat.S_IMODE(mode), int(found[3]), FileKind.of(mode))
        found = _LS_LINE.match(line)
        if found and found[2] in _PERMISSIONS:
            kind = _LS_KINDS.get(found[1], FileKind.OTHER)
            size = 0 if kind is FileKind.OTHER else int(found[3])  # a device has no size
            return FileStatus(size, _PERMISSIONS[found[2]], None, kind)
        raise ChannelError(f"{self._host}: stat(1) or ls(1) says {line!r}", host=self._host)
