"""Private keys: reading their files, signing with them, and making a new pair."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Union

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from paramiko.message import Message

from qxub.transport.blobs import write_string
from qxub.transport.key_errors import KeyUnusableError, PassphraseNeededError
from qxub.transport.openssh_key import MISSING, WRONG, read_container, without_passphrase
from qxub.transport.public_keys import key_type, public_blob

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

PrivateKey = Union[Ed25519PrivateKey, ec.EllipticCurvePrivateKey, RSAPrivateKey]

_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_NO_KEY = "is not a private key in a supported format"


def load_private_key(data: bytes, passphrase: bytes | None = None) -> PrivateKey:
    """Read a key in OpenSSH's format, PEM or PKCS#8, encrypted or not.

    Raises PassphraseNeededError, or KeyUnusableError with another reason.
    """
    try:
        container = read_container(data)
        if container is not None:
            _check_type(key_type(container.public))
            plain = without_passphrase(container, passphrase)
            loaded: object = serialization.load_ssh_private_key(plain, None)
        else:
            loaded = _load_pem(data, passphrase)
        key = _checked(loaded)
    except (ValueError, UnsupportedAlgorithm) as error:
        log.debug("no private key: %s", error)
        raise KeyUnusableError(_NO_KEY) from error
    if container is not None and blob_of(key) != container.public:
        raise KeyUnusableError("its private and public parts do not belong together")
    return key


def blob_of(key: PrivateKey) -> bytes:
    """Give the public key as SSH writes it (RFC 4253 section 6.6)."""
    encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    return public_blob(key.public_key().public_bytes(encoding, form))


def sign(key: PrivateKey, data: bytes, algorithm: str) -> bytes:
    """Sign, by an algorithm that fits the key (RFC 8332; RFC 5656 3.1.2; RFC 8709)."""
    if isinstance(key, RSAPrivateKey):
        is_long = algorithm == "rsa-sha2-512"
        digest = hashes.SHA512() if is_long else hashes.SHA256()
        signature = key.sign(data, padding.PKCS1v15(), digest)
    elif isinstance(key, Ed25519PrivateKey):
        signature = key.sign(data)
    else:
        pair = Message()
        for number in utils.decode_dss_signature(key.sign(data, ec.ECDSA(_CURVES[key.curve.name]))):
            pair.add_mpint(number)
        signature = pair.asbytes()
    return write_string(algorithm.encode("ascii")) + write_string(signature)


def _load_pem(data: bytes, passphrase: bytes | None) -> object:
    try:
        return serialization.load_pem_private_key(data, passphrase)
    except TypeError as error:  # what cryptography raises for "encrypted, and no password given"
        raise PassphraseNeededError(MISSING) from error
    except ValueError as error:
        if passphrase is not None:
            raise PassphraseNeededError(WRONG) from error
        raise


def _check_type(name: str) -> None:
    if name.startswith("sk-"):
        raise KeyUnusableError("belongs to a FIDO token; add it to ssh-agent, which can ask that")
    if name == "ssh-dss":
        raise KeyUnusableError("is a DSA key, which is too weak to be used")


def _checked(loaded: object) -> PrivateKey:
    if isinstance(loaded, dsa.DSAPrivateKey):
        _check_type("ssh-dss")
    if isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name in _CURVES:
        return loaded
    if isinstance(loaded, (Ed25519PrivateKey, RSAPrivateKey)):
        return loaded
    raise ValueError("no type of key that SSH knows")


def generate_key_pair(file: Path) -> str:
    """Write a new Ed25519 key pair, in OpenSSH's format, to FILE (mode 0600) and FILE.pub.

    Returns the public line, as authorized_keys takes it. Raises OSError, FileExistsError included.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(private)
    file.with_name(file.name + ".pub").write_bytes(public + b"\n")
    return public.decode("ascii")
