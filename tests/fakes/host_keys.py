"""Host keys and certificates by hand, so that a fake server can offer what no honest one has."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Union

import paramiko
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from qxub.transport.blobs import BlobReader, plain_name, write_string
from tests.fakes.ssh_host import fake_host

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from tests.fakes.ssh_host import FakeHost

Key = Union[ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]
SHA = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
HOUR = 3600
FOR_EVER = 2**64 - 1


def new_key(kind: str = "ed25519") -> Key:
    """Make a key: "ed25519", "nistp256", "nistp384", "nistp521" or "rsa"."""
    curves = {"nistp256": ec.SECP256R1(), "nistp384": ec.SECP384R1(), "nistp521": ec.SECP521R1()}
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(curves[kind])


def public_line(key: Key) -> str:
    """Give the public key as "TYPE BASE64"."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )


def public_blob(key: Key) -> bytes:
    """Give the public key as it goes over the wire."""
    import base64

    return base64.b64decode(public_line(key).split()[1])


def sign(key: Key, data: bytes, algorithm: str = "") -> bytes:
    """Sign as a blob of an algorithm; RSA signs by SHA-512, or by what `algorithm` says."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return write_string(b"ssh-ed25519") + write_string(key.sign(data))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        name = f"ecdsa-sha2-nistp{key.curve.key_size}"
        sha = SHA[{"256": "256", "384": "384", "521": "512"}[name[-3:]]]
        numbers = utils.decode_dss_signature(key.sign(data, ec.ECDSA(sha)))
        value = b"".join(write_string(mpint(number)) for number in numbers)
        return write_string(name.encode()) + write_string(value)
    algorithm = algorithm or "rsa-sha2-512"
    sha = hashes.SHA1() if algorithm == "ssh-rsa" else SHA[algorithm[-3:]]  # noqa: S303
    return write_string(algorithm.encode()) + write_string(key.sign(data, padding.PKCS1v15(), sha))


def mpint(number: int) -> bytes:
    """Write a number as RFC 4251 section 5 does."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


@dataclass(frozen=True)
class CertificateText:
    """What a certificate says; the defaults are a good one for every host."""

    kind: int = 2
    serial: int = 7
    key_id: str = "a host"
    principals: tuple[str, ...] = ()
    valid_after: int = 0
    valid_before: int = FOR_EVER
    critical: bytes = b""
    extensions: bytes = b""
    signed_by: str = ""
    after: bytes = b""

    def but(self, **changes: Any) -> CertificateText:
        return replace(self, **changes)


def hours_from_now(hours: int) -> int:
    return int(time.time()) + hours * HOUR


def certificate(text: CertificateText, key: Key, authority: Key) -> bytes:
    """Make a certificate of `key` by `authority` (PROTOCOL.certkeys)."""
    reader = BlobReader(public_blob(key))
    name = reader.string() + b"-cert-v01@openssh.com"
    fields = b"".join(write_string(field) for field in reader.strings())
    principals = b"".join(write_string(principal.encode()) for principal in text.principals)
    signed = (
        write_string(name)
        + write_string(b"nonce" * 6)
        + fields
        + text.serial.to_bytes(8, "big")
        + text.kind.to_bytes(4, "big")
        + write_string(text.key_id.encode())
        + write_string(principals)
        + text.valid_after.to_bytes(8, "big")
        + text.valid_before.to_bytes(8, "big")
        + write_string(text.critical)
        + write_string(text.extensions)
        + write_string(b"")
        + write_string(public_blob(authority))
    )
    return signed + write_string(sign(authority, signed, text.signed_by)) + text.after


class OfferedKey(paramiko.PKey):
    """A host key for Paramiko's server: it offers `blob`, whatever that is, and signs by `key`.

    `algorithm` is what is negotiated; `signed_by` makes RSA sign by another one.
    """

    def __init__(self, algorithm: str, blob: bytes, key: Key, signed_by: str = "") -> None:
        self._algorithm = algorithm
        self._blob = blob
        self._key = key
        self._signed_by = signed_by
        self.public_blob = None

    def get_name(self) -> str:
        return self._algorithm

    def asbytes(self) -> bytes:
        return self._blob

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
        name = self._signed_by or plain_name(algorithm or "")
        return paramiko.Message(sign(self._key, data, name))


def plain(key: Key) -> OfferedKey:
    """Offer a plain key, as an honest server does; RSA by rsa-sha2-512."""
    name = public_line(key).split()[0].replace("ssh-rsa", "rsa-sha2-512")
    return OfferedKey(name, public_blob(key), key)


def certified(key: Key, blob: bytes) -> OfferedKey:
    """Offer a certificate for `key`."""
    return OfferedKey(plain(key).get_name() + "-cert-v01@openssh.com", blob, key)


def host_offering(
    directory: Path, *keys: paramiko.PKey
) -> contextlib.AbstractContextManager[FakeHost]:
    """Run a fake host that offers these keys; its known_hosts is empty."""
    return fake_host(directory, host_keys=keys)
