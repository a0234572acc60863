"""Which host keys are known: a reader of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).

Lines marked @cert-authority are passed over, since host certificates are never offered. A line that
cannot be read spoils only itself, and is reported in the log.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.errors import HostKeyChanged, HostKeyRevoked, HostKeyUnknown
from qxub.transport.patterns import matches_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from qxub.transport.host_config import HostConfig

log = logging.getLogger(__name__)

REVOKED = "@revoked"
_RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")  # RFC 8332: both use keys of type ssh-rsa


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
        if self.hosts.startswith("|1|"):
            return _hash_matches(self.hosts, host)
        return matches_any(host, self.hosts.lower().split(","))


def fingerprint(blob: bytes) -> str:
    """Give the fingerprint of a public key as OpenSSH prints it, such as "SHA256:47DE…"."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return "SHA256:" + digest.rstrip("=")


def read_known_hosts(files: Iterable[Path]) -> list[KnownKey]:
    """All readable lines of the files, in order. A missing file is an empty one."""
    return [key for file in files for key in _read_file(file)]


def known_keys(known: Sequence[KnownKey], host: HostConfig) -> list[KnownKey]:
    """Select the lines about `host`.

    As in OpenSSH, lines for the name without its port count only where none that is not @revoked
    has "[name]:port", so that a changed key is never rescued by a portless line.
    """
    found: list[KnownKey] = []
    for name in dict.fromkeys((host.known_hosts_name, _portless_name(host))):
        found += [key for key in known if key.marker in ("", REVOKED) and key.names(name)]
        if any(key.marker != REVOKED for key in found):
            break
    return found


def order_algorithms(algorithms: Iterable[str], keys: Iterable[KnownKey]) -> tuple[str, ...]:
    """`algorithms` with those first for which a key is known, so that this key is negotiated."""
    types = {key.key_type for key in keys if key.marker != REVOKED}
    return tuple(sorted(algorithms, key=lambda name: _key_type(name) not in types))


def check_host_key(host: HostConfig, key_type: str, blob: bytes) -> None:
    """Return if known_hosts lists this key for `host`; otherwise raise.

    Raises HostKeyUnknown, HostKeyChanged or HostKeyRevoked. Nothing is ever added.
    """
    keys = known_keys(read_known_hosts(host.known_hosts_files), host)
    same = [key for key in keys if key.blob == blob]
    offered = f"{key_type} key {fingerprint(blob)}"
    revoked = [key for key in same if key.marker == REVOKED]
    if revoked:
        raise _revoked_error(host, offered, revoked[0])
    if same:
        return
    name = host.known_hosts_name
    expected = [key for key in keys if key.marker != REVOKED and key.names(name)]
    if expected:
        raise _changed_error(host, offered, expected)
    raise _unknown_error(host, offered, f"{key_type} {base64.b64encode(blob).decode()}")


def _revoked_error(host: HostConfig, offered: str, line: KnownKey) -> HostKeyRevoked:
    return HostKeyRevoked(
        f"{host.alias}: {host.known_hosts_name} offered the {offered}, "
        f"which {line.file}:{line.line} marks as revoked",
        hint="Do not connect. Ask the site what happened and which key is right.",
        host=host.alias,
    )


def _changed_error(host: HostConfig, offered: str, lines: Sequence[KnownKey]) -> HostKeyChanged:
    expected = ", ".join(
        f"{key.key_type} key {fingerprint(key.blob)} ({key.file}:{key.line})" for key in lines
    )
    return HostKeyChanged(
        f"{host.alias}: the host key of {host.known_hosts_name} is not the known one: "
        f"expected the {expected}; it offered the {offered}",
        hint="Someone may be posing as this host, or its key was replaced. Ask the site for its "
        "new fingerprint; only if it is the offered one, replace the lines named above.",
        host=host.alias,
    )


def _unknown_error(host: HostConfig, offered: str, key: str) -> HostKeyUnknown:
    file = next(iter(host.known_hosts_files), "known_hosts")
    return HostKeyUnknown(
        f"{host.alias}: no known_hosts file has a key for {host.known_hosts_name}; "
        f"it offered the {offered}",
        hint="Get the host's fingerprint from the site. If it is the offered one, add this line "
        f"to {file}:\n{host.known_hosts_name} {key}",
        host=host.alias,
    )


def _portless_name(host: HostConfig) -> str:
    return (host.host_key_alias or host.hostname).lower()


def _key_type(algorithm: str) -> str:
    return "ssh-rsa" if algorithm in _RSA_ALGORITHMS else algorithm


def _hash_matches(hashed: str, host: str) -> bool:
    # |1|salt|HMAC-SHA1(salt, name), both in base64; _parse_line has checked the form
    _, _, salt, digest = hashed.split("|")
    own = hmac.new(base64.b64decode(salt), host.encode(), hashlib.sha1).digest()
    return hmac.compare_digest(own, base64.b64decode(digest))


def _read_file(file: Path) -> Iterator[KnownKey]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: not read: %s", file, error.strerror or error)
        return
    for number, raw in enumerate(content.splitlines(), start=1):
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
        if marker not in (REVOKED, "@cert-authority"):
            raise ValueError(f"unknown marker {marker}")
    if len(fields) < 3:
        raise ValueError("expected host names, a key type and a key")
    hosts, key_type, encoded = fields[:3]
    if hosts.startswith("|"):
        _check_hash(hosts)
    return KnownKey(file, number, marker, hosts, key_type, parse_blob(key_type, encoded))


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
        raise ValueError(f"the key is not of type {key_type}")
    return blob
