"""What a host key must be before its signature of the key exchange counts (RFC 4253 section 8)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from qxub.transport.blobs import check_key, key_type, plain_name, type_of_algorithm
from qxub.transport.host_certificates import plain_key
from qxub.transport.signatures import signature_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterator


class RefusedHostKey(paramiko.BadHostKeyException):
    """What was offered as a host key is no such thing, or did not sign. str() says why.

    It ends Paramiko's thread, and the class makes it a HostKeyError (see translation).
    """

    def __init__(self, reason: str) -> None:
        paramiko.SSHException.__init__(self, reason)

    def __str__(self) -> str:
        return str(self.args[0])


@contextmanager
def refusing_bad_keys() -> Iterator[None]:
    """Raise RefusedHostKey for what the body finds wrong with a key or its signature."""
    try:
        yield
    except (ValueError, paramiko.SSHException) as error:
        raise RefusedHostKey(f"the server's host key is not valid: {error}") from error


def read_plain_key(algorithm: str, host_key: bytes, signature: bytes) -> bytes:
    """Give the plain key of a host key or certificate that is of the negotiated algorithm.

    Paramiko takes any curve for another, a signature by SHA-256 for one by SHA-512, and a key that
    is cut short for one that ends in zeros; OpenSSH takes none of them. Raises RefusedHostKey.
    """
    with refusing_bad_keys():
        if key_type(host_key) != type_of_algorithm(algorithm):
            raise ValueError(f"{key_type(host_key)!r} is not {algorithm}, which was negotiated")
        if signature_algorithm(signature) != plain_name(algorithm):
            raise ValueError(f"it signs by another algorithm than {algorithm}, the negotiated one")
        key = plain_key(host_key)
        check_key(key)
        return key
