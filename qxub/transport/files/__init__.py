"""Files of a host, by SFTP, or by plain commands where the server has no SFTP.

    with open_files(connection) as files:
        files.put("train.py", "project/train.py", mode=0o644)
        files.get("project/out.nc", "out.nc", resume=True)

docs/reference/files.md has the rules: what is atomic, what is resumed, and what is checked.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal

from qxub.transport.errors import ChannelError
from qxub.transport.files.checksum import remote_sha256
from qxub.transport.files.download import Download
from qxub.transport.files.local import SourceFile
from qxub.transport.files.plain import PlainWay
from qxub.transport.files.sftp import SftpWay
from qxub.transport.files.status import Check, FileKind, FileStatus, Progress, Transfer
from qxub.transport.files.upload import Upload

if TYPE_CHECKING:
    import os

    from typing_extensions import Self

    from qxub.transport.connection import Connection
    from qxub.transport.files.local import Source
    from qxub.transport.files.status import Way
    from qxub.transport.sinks import Sink

__all__ = ["Check", "FileKind", "FileStatus", "Files", "Progress", "Transfer", "open_files"]

log = logging.getLogger(__name__)

_MAX_MODE = 0o7777


def open_files(connection: Connection, way: Literal["sftp", "plain"] | None = None) -> Files:
    """Open the way to the files of the connection's host: SFTP, or else plain commands.

    `way` insists on one of the two. Raises ChannelError where it is SFTP and the server has none,
    or ConnectionLost.
    """
    if way == "plain":
        return Files(connection, PlainWay(connection))
    try:
        return Files(connection, SftpWay(connection))
    except ChannelError as error:
        if way == "sftp":
            raise
        log.info("%s; plain commands are used", error)
        return Files(connection, PlainWay(connection))


class Files:
    """Files of one host; a context manager. Made by `open_files`.

    Remote names are text, in which surrogates stand for bytes that are no UTF-8 (PEP 383), or
    bytes. Relative ones are seen from the user's home directory; "~" is an ordinary character.
    Every method raises FileError, ChannelError where the server refuses the way, ConnectionLost,
    and ValueError for a name that no file can have. One thing is done at a time, and a second
    thread waits: for two transfers at once open two.
    """

    def __init__(self, connection: Connection, way: Way) -> None:
        self._host = connection.host.alias
        self._way = way
        self._sha256 = remote_sha256(connection)
        self._lock = threading.RLock()

    @property
    def way(self) -> str:
        """The way in use: "sftp" or "plain"."""
        return self._way.name

    def get(
        self,
        remote: str | bytes,
        local: str | os.PathLike[str] | Sink,
        *,
        resume: bool = False,
        verify: bool = True,
        progress: Progress | None = None,
    ) -> Transfer:
        """Get a file, to a local path or to a function that is called with its bytes.

        A local file is its owner's alone, and appears when it is complete and checked. With
        `resume` a part that a failure left is kept, and continued if it agrees with the remote
        file. A function has been given the bytes before they are checked. Without `verify` nothing
        is checked. Raises FileIntegrityError where the check fails.
        """
        if callable(local) and resume:
            raise ValueError("only a file can be resumed, not a function")
        with self._lock:
            download = Download(
                self._host,
                self._way,
                self._sha256,
                _encode(remote),
                verify=verify,
                progress=progress or _ignore,
            )
            if callable(local):
                return download.to_sink(local)
            return download.to_file(local, resume=resume)

    def put(
        self,
        source: Source,
        remote: str | bytes,
        *,
        mode: int = 0o600,
        resume: bool = False,
        verify: bool = True,
        progress: Progress | None = None,
    ) -> Transfer:
        """Put a file: that of a local path, the given bytes, or what an open binary file holds.

        It is written beside its target, for its owner alone, and replaces that in one step when it
        is complete and checked, with the permissions `mode`, whatever the umask. A failure leaves
        the target as it was. With `resume` it leaves the part, too, which a later call continues if
        the source begins with it. Raises FileIntegrityError where the check fails.
        """
        if not 0 <= mode <= _MAX_MODE:
            raise ValueError(f"{mode:#o} is not a file's mode: it has at most twelve bits")
        with self._lock, SourceFile(source) as opened:
            upload = Upload(
                self._host,
                self._way,
                self._sha256,
                _encode(remote),
                resume=resume,
                verify=verify,
                progress=progress or _ignore,
            )
            return upload.run(opened, mode)

    def stat(self, remote: str | bytes, *, follow: bool = True) -> FileStatus:
        """Tell what a file is: what a symbolic link leads to, or with follow=False the link."""
        with self._lock:
            return self._way.status(_encode(remote), follow=follow)

    def listdir(self, remote: str | bytes = ".") -> list[str]:
        """List the names in a directory, in no order, without "." and ".."."""
        with self._lock:
            names = self._way.names(_encode(remote))
        return [name.decode("utf-8", "surrogateescape") for name in names]

    def close(self) -> None:
        """End the way; the connection stays."""
        self._way.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _encode(name: str | bytes) -> bytes:
    """Give the name as the host has it, such that no tool takes it for an option."""
    path = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
    if not path or b"\0" in path:
        raise ValueError(f"{name!r} cannot be the name of a file")
    return path if path.startswith(b"/") else b"./" + path


def _ignore(done: int, total: int | None) -> None:
    del done, total
