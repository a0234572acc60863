"""Adding a key to the user's known_hosts file, whatever other processes do to it meanwhile."""

from __future__ import annotations

import base64
import errno
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

from qxub.transport.blobs import key_type
from qxub.transport.known_hosts import hash_name, read_lines

if sys.platform == "win32":
    from qxub.transport import _files_windows as twin
else:
    from qxub.transport import _files_posix as twin

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport.host_config import HostConfig

log = logging.getLogger(__name__)

_NOT_IN_NAMES = "@?*#|'\"\\!,"
_ADDING = threading.Lock()
_NOWHERE = ("/dev/null", os.devnull)
"""which OpenSSH for Windows knows by the first name, too; to us that would be a new directory"""
_SALT_BYTES = 20
"""the size of an SHA-1 digest, as OpenSSH has it"""


def add_known_key(host: HostConfig, key: bytes) -> Path | None:
    """Append a line for the host's key to its first UserKnownHostsFile, and return that file.

    What keeps it from being added (no file, a name that would be a pattern, a full disk) is logged
    as a warning, and None returned: as with OpenSSH, the connection does not depend on it.
    """
    file = next(iter(host.user_known_hosts_files), None)
    name = host.known_hosts_name
    if file is None or file.as_posix() in _NOWHERE:
        log.info("%s: there is no UserKnownHostsFile to add the host key to", host.alias)
        return None
    if not _is_plain_name(name):
        log.warning("%s: %r is not a name to write to %s", host.alias, name, file)
        return None
    try:
        _make_private_file(file)
        _append(file, name, key, hashed=host.hash_known_hosts)
    except OSError as error:
        reason = error.strerror or error
        log.warning("%s: the host key was not added to %s: %s", host.alias, file, reason)
        return None
    return file


def _is_plain_name(name: str) -> bool:
    inner = name[1:].replace("]:", "", 1) if name.startswith("[") else name
    return name.isprintable() and not any(c in _NOT_IN_NAMES + "[]" or c.isspace() for c in inner)


def _make_private_file(file: Path) -> None:
    """Make the file, and the directory that it is in, for their owner alone, where missing."""
    if not file.parent.exists():
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        twin.restrict_to_owner(file.parent)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    try:
        twin.restrict_to_owner(file)
    finally:
        os.close(handle)


def _append(file: Path, name: str, key: bytes, *, hashed: bool) -> None:
    """Write one line at the end by one call, under a lock, unless somebody has just done so."""
    written_name = hash_name(name, os.urandom(_SALT_BYTES)) if hashed else name
    line = f"{written_name} {key_type(key)} {base64.b64encode(key).decode()}\n".encode()
    handle = os.open(file, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
    # lockf(3) keeps other processes out, but not other threads
    with os.fdopen(handle, "r+b", buffering=0) as stream, _ADDING, twin.locked(handle):
        content = stream.read() or b""
        if _has(file, content, name, key):
            return
        if content and not content.endswith(b"\n"):
            line = b"\n" + line  # a last line without its end would run into ours
        if (stream.write(line) or 0) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _has(file: Path, content: bytes, name: str, key: bytes) -> bool:
    """Whether the content of the file lists the key already."""
    if base64.b64encode(key) not in content:
        return False  # the usual case; and bad lines are not reported once more
    return any(
        line.blob == key and not line.marker and line.names(name)
        for line in read_lines(file, content)
    )
