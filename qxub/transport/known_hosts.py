"""A reader of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

A line that cannot be read spoils only itself, and is reported in the log.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.blobs import check_key
from qxub.transport.patterns import matches_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

REVOKED = "@revoked"
AUTHORITY = "@cert-authority"
UTF8_MARK = b"\xef\xbb\xbf"
"""which Windows' editors write at the beginning of a file"""


@dataclass(frozen=True)
class KnownKey:
    """One line of a known_hosts file. `marker` is "", "@revoked" or "@cert-authority"."""

    file: Path
    line: int
    marker: str
    hosts: str
    key_type: str
    blob: bytes

    def names(self, host: str) -> bool:
        """Whether this line is about `host`, a lower-case name or "[name]:port"."""
        if self.hosts.startswith("|"):
            return _hash_matches(self.hosts, host)
        return matches_any(host, self.hosts.lower().split(","))

    @property
    def place(self) -> str:
        """Where the line stands, as "FILE:LINE"."""
        return f"{self.file}:{self.line}"


def fingerprint(blob: bytes) -> str:
    """Give the fingerprint of a public key as OpenSSH prints it, such as "SHA256:47DE…"."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return "SHA256:" + digest.rstrip("=")


def read_known_hosts(files: Iterable[Path]) -> list[KnownKey]:
    """All readable lines of the files, in order. A missing file is an empty one."""
    return [key for file in files for key in _read_file(file)]


def hash_name(name: str, salt: bytes) -> str:
    """Hash a host name as HashKnownHosts has it: |1|SALT|HMAC-SHA1(SALT, NAME), in base64."""
    text = name.encode("utf-8", "surrogateescape")
    digest = hmac.new(salt, text, hashlib.sha1).digest()
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))


def _hash_matches(hashed: str, host: str) -> bool:
    salt = base64.b64decode(hashed.split("|")[2])  # _check_hash has seen the form
    return hmac.compare_digest(hash_name(host, salt), hashed)


def _read_file(file: Path) -> Iterator[KnownKey]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: not read: %s", file, error.strerror or error)
        return
    yield from read_lines(file, content)


def read_lines(file: Path, content: bytes) -> Iterator[KnownKey]:
    """Read the lines of one file; `file` is only what they are said to be from."""
    for number, raw in enumerate(content.removeprefix(UTF8_MARK).splitlines(), start=1):
        text = raw.decode("utf-8", "replace").strip()
        if not text or text.startswith("#"):
            continue
        try:
            yield _parse_line(file, number, text)
        except ValueError as error:
            log.warning("%s:%d: line ignored: %s", file, number, error)


def _parse_line(file: Path, number: int, text: str) -> KnownKey:
    """Raise ValueError for a line that does not follow the format."""
    marker, fields = "", text.split()
    if fields[0].startswith("@"):
        marker = fields.pop(0)
        if marker not in (REVOKED, AUTHORITY):
            raise ValueError(f"unknown marker {marker!r}")
    if len(fields) < 3:
        raise ValueError("expected host names, a key type and a key")
    hosts, key_type, encoded = fields[:3]
    if hosts.startswith("|"):
        _check_hash(hosts)
    blob = parse_blob(key_type, encoded)
    check_key(blob)
    return KnownKey(file, number, marker, hosts, key_type, blob)


def _check_hash(hosts: str) -> None:
    parts = hosts.split("|")
    if len(parts) != 4 or parts[1] != "1":
        raise ValueError("unknown form of hashed host name")
    for part in parts[2:]:
        base64.b64decode(part, validate=True)


def parse_blob(key_type: str, encoded: str) -> bytes:
    """Decode the base64 field of a public key, whose first string is its type (RFC 4253 6.6).

    Raises ValueError if it is not base64, or is a key of another type.
    """
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the key is not valid base64: {error}") from error
    name = key_type.encode()
    if not blob.startswith(len(name).to_bytes(4, "big") + name):
        raise ValueError(f"the key is not of type {key_type!r}")
    return blob
