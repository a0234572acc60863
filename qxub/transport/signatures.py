"""Checking a signature (RFC 4253 section 6.6) by a public key; SHA-1 is not among the ways."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from qxub.transport.blobs import BlobReader, key_type, type_of_algorithm

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
    "ecdsa-sha2-nistp256": hashes.SHA256(),  # RFC 5656 section 6.2.1
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
}
VERIFIABLE = ("ssh-ed25519", *_HASHES)


def signature_algorithm(signature: bytes) -> str:
    """Give the algorithm that a signature says it is by. Raises ValueError."""
    return BlobReader(signature).text()


def check_signature(key: bytes, signature: bytes, data: bytes) -> None:
    """Return if `key` has signed `data`, by an algorithm of VERIFIABLE. Raises ValueError."""
    reader = BlobReader(signature)
    algorithm, value = reader.text(), reader.string()
    if algorithm not in VERIFIABLE or not reader.at_end:
        raise ValueError(f"a signature by {algorithm} cannot be checked")
    if type_of_algorithm(algorithm) != key_type(key):
        raise ValueError(f"the signature is by {algorithm}, and the key is a {key_type(key)}")
    line = key_type(key).encode() + b" " + base64.b64encode(key)
    try:
        public = load_ssh_public_key(line)
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(value, data)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(_der(value), data, ec.ECDSA(_HASHES[algorithm]))
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(value, data, padding.PKCS1v15(), _HASHES[algorithm])
    except InvalidSignature as error:
        raise ValueError("the signature is not by that key") from error
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error


def _der(value: bytes) -> bytes:
    """Write r and s as the cryptography library takes them (RFC 5656 section 3.1.2)."""
    reader = BlobReader(value)
    r, s = (int.from_bytes(reader.string(), "big", signed=True) for _ in range(2))
    if not reader.at_end:
        raise ValueError("there is more after the signature's numbers")
    return utils.encode_dss_signature(r, s)
