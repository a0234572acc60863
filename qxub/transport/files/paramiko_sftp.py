"""A session of SFTP version 3 (draft-ietf-secsh-filexfer-02), as Paramiko's SFTPClient speaks it.

Taken from it are the packets, the numbering of requests, and the attributes. Its file objects are
not: SFTPFile drops the status of writes under way and of a close, so that a full disk passes as
success; its prefetch has no bound where reads come short, and a thread that may outlive the file.
And its methods take no mode for a new file, and no name that is not UTF-8. So requests are made
here, by its `_request` and `_async_request`, and statuses are raised by our `_convert_status`.
tests/transport/files/test_sftp_hooks.py fails when a new Paramiko changes what this relies on.
"""

from __future__ import annotations

import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
from paramiko import sftp
from paramiko.sftp_attr import SFTPAttributes

from qxub.transport.errors import ChannelError, TransportError
from qxub.transport.files.process_stream import ProcessStream
from qxub.transport.files.status import FileKind, FileStatus
from qxub.transport.translation import printable, translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paramiko.message import Message

    from qxub.transport.connection import Connection


class SftpStatus(Exception):  # noqa: N818 - says what is so
    """The server's answer that it did not do what was asked: a code (section 7), and words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class Answers:
    """The answers to requests that were sent without waiting, by number."""

    def __init__(self) -> None:
        self.arrived: dict[int, tuple[int, Message]] = {}

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        """Take one; Paramiko calls this."""
        self.arrived[number] = (kind, message)


class SftpSession:
    """A session with the server's SFTP subsystem, for one thread at a time.

    Its methods raise SftpStatus, after which it goes on, or TransportError; that, or an
    interruption, closes it, as it is then not known how far the two sides have come.
    """

    def __init__(self, connection: Connection) -> None:
        """Start one. Raises ChannelError when the server has no SFTP, or ConnectionLost."""
        self.closed = False
        self._host = connection.host.alias
        self._stream = ProcessStream(connection.start_subsystem("sftp"))
        with self._speaking():
            self._client = _Client(_Socket(self._stream, self._host))  # type: ignore[arg-type]

    def close(self) -> None:
        """End the session."""
        self.closed = True
        self._stream.close()

    def request(self, command: int, *fields: object) -> Message:
        """Send a request and wait for its answer, which is the rest of the message."""
        with self._speaking():
            _, message = self._client._request(command, *fields)  # type: ignore[attr-defined] # noqa: SLF001
            return message  # type: ignore[no-any-return]

    def ask(self, answers: Answers, command: int, *fields: object) -> int:
        """Send a request and do not wait; give the number that its answer will have."""
        with self._speaking():
            return self._client._async_request(answers, command, *fields)  # type: ignore[attr-defined,no-any-return] # noqa: SLF001

    def answer(self, answers: Answers, number: int) -> Message:
        """Wait for the answer to what was sent by `ask`."""
        with self._speaking():
            while number not in answers.arrived:
                self._client._read_response()  # type: ignore[attr-defined] # noqa: SLF001
            kind, message = answers.arrived.pop(number)
            if kind == sftp.CMD_STATUS:
                self._client._convert_status(message)  # noqa: SLF001
            return message

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except SftpStatus:
            raise
        except BaseException as error:
            self.close()
            if isinstance(error, TransportError) or not isinstance(error, Exception):
                raise
            raise translate(error, self._host, "SFTP", ChannelError) from error


class _Client(paramiko.SFTPClient):
    """Raises every status but OK with its code, which Paramiko keeps for itself."""

    def _convert_status(self, msg: Message) -> None:
        code, text = msg.get_int(), msg.get_string().decode("utf-8", "replace")
        if code != sftp.SFTP_OK:
            raise SftpStatus(code, printable(text))


class _Socket:
    """What SFTPClient needs of a channel."""

    def __init__(self, stream: ProcessStream, host: str) -> None:
        self._stream = stream
        self._host = host

    def send(self, data: bytes) -> int:
        try:
            self._stream.send(data)
        except ChannelError as error:
            raise self._ended() from error
        return len(data)

    def recv(self, count: int) -> bytes:
        data = self._stream.receive(count)
        if not data:
            raise self._ended()
        return data

    def get_name(self) -> str:
        return "sftp"

    def _ended(self) -> ChannelError:
        words = printable(self._stream.stderr().decode("utf-8", "replace").strip())
        said = f", saying: {words}" if words else ""
        return ChannelError(f"{self._host}: SFTP: the server ended it{said}", host=self._host)


def only_mode(mode: int) -> SFTPAttributes:
    """Give the attributes that set a file's mode, and nothing else."""
    attributes = SFTPAttributes()
    attributes.st_mode = mode
    return attributes


def read_status(message: Message) -> FileStatus:
    """Read what a file is (section 5). Raises SftpStatus when that is not told."""
    attributes = SFTPAttributes._from_msg(message)  # type: ignore[attr-defined] # noqa: SLF001
    size, mode = attributes.st_size, attributes.st_mode
    if size is None or mode is None:
        raise SftpStatus(sftp.SFTP_BAD_MESSAGE, "it tells neither size nor mode")
    return FileStatus(size, stat.S_IMODE(mode), attributes.st_mtime, FileKind.of(mode))


def read_names(message: Message) -> list[bytes]:
    """Read names of files (section 7). Raises SftpStatus for what is no name."""
    names = []
    for _ in range(message.get_int()):
        name = message.get_string()
        message.get_string()  # as `ls -l` has it
        SFTPAttributes._from_msg(message)  # type: ignore[attr-defined] # noqa: SLF001
        if not name:  # the count is a lie
            raise SftpStatus(sftp.SFTP_BAD_MESSAGE, "it lists fewer names than it says")
        names.append(name)
    return names
