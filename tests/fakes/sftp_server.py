"""An SFTP server that sshd starts as its subsystem, with a fault: `python sftp_server.py FAULT`.

It serves this machine's files by version 3 of the protocol (draft-ietf-secsh-filexfer-02), as far
as the tests need it. Extensions are known with the fault "none" alone.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = range(5)
UNSUPPORTED = 8
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
DIRECTORY = b"directory"
DEPTH = 50
"""with the fault "deep", so many reads or writes are taken before the first is answered"""
POSIX_RENAME, FSYNC = b"posix-rename@openssh.com", b"fsync@openssh.com"


class StatusError(Exception):
    """A request was not done: a code, and words."""

    def __init__(self, code: int, words: bytes = b"Failure") -> None:
        super().__init__(code, words)
        self.code = code
        self.words = words


class Fields:
    """Reads the fields of a packet."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def number(self, count: int = 4) -> int:
        return int.from_bytes(self._take(count), "big")

    def string(self) -> bytes:
        return self._take(self.number())

    def path(self) -> Path:
        return Path(os.fsdecode(self.string()))

    def mode(self) -> int:
        """Attributes, which in these tests are a mode and nothing else."""
        assert self.number() == 4
        return self.number()

    def _take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        return taken


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def status(code: int, words: bytes = b"Success") -> bytes:
    return struct.pack(">I", code) + string(words) + string(b"")


class SftpServer:
    """Each method that serves a kind of request gives the kind of its answer, and the answer."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.writes = 0
        self.transfers = 0
        """reads or writes, one after the other"""
        self.names: list[str] = []
        self.kinds = {
            3: self.open,
            4: self.close,
            5: self.read,
            6: self.write,
            7: self.stat,
            9: self.set_status,
            11: self.open_directory,
            12: self.read_directory,
            13: self.remove,
            17: self.stat,
            18: self.rename,
            200: self.extended,
        }

    def answer(self, packet: bytes) -> bytes:
        fields = Fields(packet)
        kind = fields.number(1)
        if kind == 1:
            return (b"\xff" if self.fault == "greeting" else b"\2") + struct.pack(">I", 3)
        number = fields.number()
        self.transfers = self.transfers + 1 if kind in (5, 6) else 0
        try:
            answer, body = self.kinds[kind](fields)
        except StatusError as error:
            answer, body = STATUS, status(error.code, error.words)
        except OSError as error:
            codes = {2: NO_SUCH_FILE, 13: PERMISSION_DENIED}
            answer, body = STATUS, status(codes.get(error.errno or 0, FAILURE), b"Failure")
        return struct.pack(">BI", answer, number) + body

    def open(self, fields: Fields) -> tuple[int, bytes]:
        path, flags, mode = fields.path(), fields.number(), fields.mode()
        wanted = os.O_WRONLY if flags & 2 else os.O_RDONLY
        wanted |= os.O_CREAT if flags & 8 else 0
        wanted |= os.O_EXCL if flags & 32 else 0
        return HANDLE, string(b"%d" % os.open(path, wanted, mode))

    def close(self, fields: Fields) -> tuple[int, bytes]:
        handle = fields.string()
        if handle != DIRECTORY:
            os.close(int(handle))
            if self.fault == "close":
                raise StatusError(FAILURE)
        return STATUS, status(OK)

    def read(self, fields: Fields) -> tuple[int, bytes]:
        handle, offset, count = int(fields.string()), fields.number(8), fields.number()
        if self.fault == "short":
            count = min(count, 1000 + offset % 7000)
        if self.fault == "end" and offset > 1_000_000:
            raise SystemExit(3)
        os.lseek(handle, offset, os.SEEK_SET)
        data = os.read(handle, count)
        if not data:
            raise StatusError(EOF)
        if self.fault == "length":
            return DATA, struct.pack(">I", len(data) + 100) + data
        return DATA, string(data + bytes(count) if self.fault == "more" else data)

    def write(self, fields: Fields) -> tuple[int, bytes]:
        handle, offset, data = int(fields.string()), fields.number(8), fields.string()
        self.writes += 1
        if self.fault == "write" and self.writes == 3:
            raise StatusError(FAILURE, b"no room for \xff this")
        os.lseek(handle, offset, os.SEEK_SET)
        os.write(handle, data)
        return STATUS, status(OK)

    def stat(self, fields: Fields) -> tuple[int, bytes]:
        found = fields.path().stat()
        numbers = (found.st_size, found.st_mode, int(found.st_atime), int(found.st_mtime))
        return ATTRS, struct.pack(">IQIII", 1 | 4 | 8, *numbers)

    def set_status(self, fields: Fields) -> tuple[int, bytes]:
        fields.path().chmod(fields.mode())
        return STATUS, status(OK)

    def open_directory(self, fields: Fields) -> tuple[int, bytes]:
        self.names = [".", "..", *(path.name for path in fields.path().iterdir())]
        return HANDLE, string(DIRECTORY)

    def read_directory(self, _fields: Fields) -> tuple[int, bytes]:
        if not self.names:
            raise StatusError(EOF)
        names = [*map(os.fsencode, self.names), *([b"../x"] if self.fault == "slash" else [])]
        self.names = []
        count = len(names) + (1_000_000_000 if self.fault == "count" else 0)
        entries = b"".join(string(name) + string(b"-") + struct.pack(">I", 0) for name in names)
        return NAME, struct.pack(">I", count) + entries

    def remove(self, fields: Fields) -> tuple[int, bytes]:
        fields.path().unlink()
        return STATUS, status(OK)

    def rename(self, fields: Fields) -> tuple[int, bytes]:
        source, target = fields.path(), fields.path()
        if target.exists():
            raise StatusError(FAILURE)
        source.rename(target)
        return STATUS, status(OK)

    def extended(self, fields: Fields) -> tuple[int, bytes]:
        name = fields.string()
        if self.fault != "none" or name not in (POSIX_RENAME, FSYNC):
            raise StatusError(UNSUPPORTED, b"Operation unsupported")
        if name == POSIX_RENAME:
            fields.path().replace(fields.path())
        else:
            os.fsync(int(fields.string()))
        return STATUS, status(OK)


def main() -> None:
    server = SftpServer(sys.argv[1])
    held = b""
    answers: list[bytes] = []
    while data := os.read(0, 1 << 16):
        held += data
        while len(held) >= 4 and len(held) >= 4 + int.from_bytes(held[:4], "big"):
            fields = Fields(held)
            answers.append(string(server.answer(fields.string())))
            held = fields.data
        if server.fault == "deep" and 0 < server.transfers < DEPTH:
            continue
        if server.fault == "order":
            answers.reverse()
        sys.stdout.buffer.write(b"".join(answers))
        sys.stdout.buffer.flush()
        answers.clear()


if __name__ == "__main__":
    main()
