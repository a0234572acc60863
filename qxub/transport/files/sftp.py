"""The way by SFTP (draft-ietf-secsh-filexfer-02, and the extensions in OpenSSH's PROTOCOL)."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paramiko import sftp

from qxub.transport.errors import FileError, FileNoSpace
from qxub.transport.files.failures import NO_SPACE, failure, sftp_failure
from qxub.transport.files.paramiko_sftp import (
    Answers,
    SftpSession,
    SftpStatus,
    only_mode,
    read_names,
    read_status,
)
from qxub.transport.files.status import FileKind

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from paramiko.message import Message

    from qxub.transport.connection import Connection
    from qxub.transport.files.status import FileStatus, Part

BLOCK_BYTES = 32 * 1024
"""of one read or write; every server takes as much (section 3)"""

BLOCKS_UNDER_WAY = 256
"""8 MiB, which is also the bound on memory: 40 MB/s at a round trip of 200 ms"""


class SftpWay:
    """See Way. A session that was interrupted is replaced by a new one when it is needed."""

    name = "sftp"

    def __init__(self, connection: Connection) -> None:
        """Start a session. Raises ChannelError when the server has no SFTP, or ConnectionLost."""
        self._connection = connection
        self._host = connection.host.alias
        self._session = SftpSession(connection)

    def status(self, path: bytes, *, follow: bool) -> FileStatus:
        """By STAT or LSTAT."""
        command = sftp.CMD_STAT if follow else sftp.CMD_LSTAT
        with self._asking(path) as session:
            return read_status(session.request(command, path))

    def link_target(self, path: bytes) -> bytes:
        """By READLINK."""
        with self._asking(path) as session:
            return b"".join(read_names(session.request(sftp.CMD_READLINK, path)))  # it is one

    def names(self, path: bytes) -> list[bytes]:
        """By READDIR."""
        if self.status(path, follow=True).kind is not FileKind.DIRECTORY:
            raise failure(FileError, self._host, path, "it is not a directory")
        with self._asking(path) as session:
            opened = session.request(sftp.CMD_OPENDIR, path)
            with _closed(session, opened) as handle:
                names = list(_entries(session, handle))
        if any(b"/" in name for name in names):  # it would lead elsewhere
            raise failure(FileError, self._host, path, "the server lists a name with a slash")
        return [name for name in names if name not in (b".", b"..")]

    def read(self, path: bytes, offset: int, size: int) -> Generator[bytes, None, None]:
        """By READ, with many under way."""
        with self._asking(path) as session:
            answer = session.request(sftp.CMD_OPEN, path, sftp.SFTP_FLAG_READ, only_mode(0o600))
            with _closed(session, answer) as handle:
                yield from _Reading(session, handle, offset, size).blocks()

    def write(self, part: Part, offset: int, blocks: Iterable[bytes]) -> None:
        """By WRITE, with many under way, and fsync."""
        flags = sftp.SFTP_FLAG_WRITE
        if offset == 0:
            flags |= sftp.SFTP_FLAG_CREATE | sftp.SFTP_FLAG_EXCL
        with self._asking(part.target) as session:
            answer = session.request(sftp.CMD_OPEN, part.path, flags, only_mode(0o600))
            try:
                with _closed(session, answer) as handle:
                    _write(session, handle, offset, blocks)
                    _synchronize(session, handle)
            except SftpStatus as status:
                if status.code == sftp.SFTP_FAILURE and _is_full(session, part.path):
                    raise failure(FileNoSpace, self._host, part.target, NO_SPACE) from status
                raise

    def replace(self, part: Part, mode: int) -> None:
        """By SETSTAT and posix-rename; without that, RENAME, which replaces nothing."""
        with self._asking(part.target) as session:
            session.request(sftp.CMD_SETSTAT, part.path, only_mode(mode))
            try:
                name = b"posix-rename@openssh.com"
                session.request(sftp.CMD_EXTENDED, name, part.path, part.target)
            except SftpStatus as status:
                if status.code != sftp.SFTP_OP_UNSUPPORTED:
                    raise
                self._rename(session, part)

    def remove(self, part: Part) -> None:
        """By REMOVE."""
        with self._asking(part.path) as session:
            session.request(sftp.CMD_REMOVE, part.path)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _rename(self, session: SftpSession, part: Part) -> None:
        """Rename, to where nothing is yet (section 6.5)."""
        try:
            session.request(sftp.CMD_RENAME, part.path, part.target)
        except SftpStatus as status:
            if status.code != sftp.SFTP_FAILURE:
                raise
            sentence = "the server cannot replace a file in one step: remove it first"
            raise failure(FileError, self._host, part.target, sentence) from status

    @contextmanager
    def _asking(self, path: bytes) -> Iterator[SftpSession]:
        """Give a session, and raise its statuses as FileError."""
        if self._session.closed:
            self._session = SftpSession(self._connection)
        try:
            yield self._session
        except SftpStatus as status:
            raise sftp_failure(self._host, path, status.code, status.text) from status


@contextmanager
def _closed(session: SftpSession, opened: Message) -> Iterator[bytes]:
    """Close what was opened. The status of that counts: a delayed write may fail then."""
    handle = opened.get_string()
    try:
        yield handle
    except BaseException:
        if not session.closed:
            session.ask(Answers(), sftp.CMD_CLOSE, handle)  # nobody waits for the answer
        raise
    session.request(sftp.CMD_CLOSE, handle)


def _entries(session: SftpSession, handle: bytes) -> Iterator[bytes]:
    try:
        while True:
            yield from read_names(session.request(sftp.CMD_READDIR, handle))
    except SftpStatus as status:
        if status.code != sftp.SFTP_EOF:
            raise


def _write(session: SftpSession, handle: bytes, offset: int, blocks: Iterable[bytes]) -> None:
    """Write, and see that every write is confirmed."""
    answers, under_way = Answers(), deque[int]()
    for block in blocks:
        for start in range(0, len(block), BLOCK_BYTES):
            piece = block[start : start + BLOCK_BYTES]
            number = session.ask(answers, sftp.CMD_WRITE, handle, sftp.int64(offset), piece)
            offset += len(piece)
            under_way.append(number)
            if len(under_way) >= BLOCKS_UNDER_WAY:
                session.answer(answers, under_way.popleft())
    for number in under_way:
        session.answer(answers, number)


def _synchronize(session: SftpSession, handle: bytes) -> None:
    """See that what was written is on the disk, where the server can."""
    try:
        session.request(sftp.CMD_EXTENDED, b"fsync@openssh.com", handle)
    except SftpStatus as status:
        if status.code != sftp.SFTP_OP_UNSUPPORTED:
            raise


def _is_full(session: SftpSession, path: bytes) -> bool:
    """Ask whether there is no room for a block (statvfs@openssh.com), as "Failure" does not say."""
    try:
        message = session.request(sftp.CMD_EXTENDED, b"statvfs@openssh.com", path)
    except SftpStatus:
        return False  # it does not tell
    _, size, _, _, available = (message.get_int64() for _ in range(5))
    return size * available < BLOCK_BYTES


class _Reading:
    """Reads that are asked for before their answers have come."""

    def __init__(self, session: SftpSession, handle: bytes, offset: int, size: int) -> None:
        self._session = session
        self._handle = handle
        self._offset = offset
        self._size = size
        self._answers = Answers()
        self._under_way: deque[tuple[int, int]] = deque()

    def blocks(self) -> Iterator[bytes]:
        """Give the data in order. Beyond the expected end one block at a time is asked for."""
        while True:
            while len(self._under_way) < BLOCKS_UNDER_WAY and (
                self._offset < self._size or not self._under_way
            ):
                self._under_way.append((self._offset, self._ask(self._offset, BLOCK_BYTES)))
                self._offset += BLOCK_BYTES
            offset, number = self._under_way.popleft()
            got = 0
            while got < BLOCK_BYTES:  # a server may give less than was asked for
                data = self._take(number, BLOCK_BYTES - got)
                if not data:
                    return  # what else is under way lies behind the end
                yield data
                got += len(data)
                if got < BLOCK_BYTES:
                    number = self._ask(offset + got, BLOCK_BYTES - got)

    def _ask(self, offset: int, count: int) -> int:
        where = sftp.int64(offset)
        return self._session.ask(self._answers, sftp.CMD_READ, self._handle, where, count)

    def _take(self, number: int, count: int) -> bytes:
        """Take a block; b"" at the end of the file."""
        try:
            message = self._session.answer(self._answers, number)
        except SftpStatus as status:
            if status.code == sftp.SFTP_EOF:
                return b""
            raise
        claimed, data = message.get_int(), message.get_remainder()
        if not 0 < claimed == len(data) <= count:
            said = f"{len(data)} bytes came as {claimed} of the {count} asked for"
            raise SftpStatus(sftp.SFTP_BAD_MESSAGE, said)
        return data
