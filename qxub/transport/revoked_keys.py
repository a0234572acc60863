"""RevokedHostKeys (ssh_config(5)): a file of public keys, one a line, or a KRL.

What cannot be read for certain revokes everything, as in OpenSSH.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.transport import krl
from qxub.transport.blobs import check_key
from qxub.transport.host_certificates import plain_key
from qxub.transport.host_key_errors import revoked_keys_unreadable
from qxub.transport.known_hosts import UTF8_MARK, parse_blob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport.host_certificates import Certificate
    from qxub.transport.host_config import HostConfig


def revoked_in(host: HostConfig, key: bytes, certificate: Certificate | None) -> str:
    """Give the name of the host's RevokedHostKeys file if that revokes `key`; otherwise "".

    Raises HostKeyError if the file cannot be read.
    """
    if host.revoked_host_keys is None:
        return ""
    try:
        found = is_revoked(host.revoked_host_keys, key, certificate)
    except OSError as error:
        raise revoked_keys_unreadable(host, error.strerror or str(error)) from error
    except ValueError as error:
        raise revoked_keys_unreadable(host, str(error)) from error
    return str(host.revoked_host_keys) if found else ""


def is_revoked(file: Path, key: bytes, certificate: Certificate | None) -> bool:
    """Whether `file` revokes `key`, or the certificate that it comes in, or that one's authority.

    Raises OSError if the file cannot be read, and ValueError, with the line, if it makes no sense.
    """
    content = file.read_bytes()
    if content.startswith(krl.MAGIC):
        return krl.revokes(krl.read(content), key, certificate)
    revoked = set(_read_keys(content))
    return key in revoked or (certificate is not None and certificate.authority in revoked)


def _read_keys(content: bytes) -> Iterator[bytes]:
    for number, raw in enumerate(content.removeprefix(UTF8_MARK).splitlines(), start=1):
        fields = raw.decode("utf-8", "replace").split()
        if fields and not fields[0].startswith("#"):
            try:
                yield _read_key(fields)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error


def _read_key(fields: list[str]) -> bytes:
    if len(fields) < 2:
        raise ValueError("expected a key type and a key")
    blob = parse_blob(fields[0], fields[1])
    key = plain_key(blob)
    check_key(key)
    return key
