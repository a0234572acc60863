"""A FIDO token in software, and the SSH agent that asks it (OpenSSH's PROTOCOL.u2f)."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paramiko.message import Message

from qxub.transport.blobs import BlobReader, write_string

APPLICATION = b"ssh:"
USER_PRESENT = b"\1"
COUNTER = (7).to_bytes(4, "big")
RAW, X962, POINT = Encoding.Raw, Encoding.X962, PublicFormat.UncompressedPoint


class Ed25519Token:
    """Holds an `sk-ssh-ed25519@openssh.com` key."""

    name = b"sk-ssh-ed25519@openssh.com"

    def __init__(self) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(RAW, PublicFormat.Raw)
        self.blob = write_string(self.name) + write_string(public) + write_string(APPLICATION)

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)

    @property
    def line(self) -> str:
        """As authorized_keys has it."""
        return f"{self.name.decode()} {base64.b64encode(self.blob).decode()}"

    def answer(self, request: bytes) -> bytes:
        """Answer a request to the agent, its length included."""
        message = BlobReader(BlobReader(request).string())
        if message.number(1) == 11:
            body = b"\x0c\0\0\0\1" + write_string(self.blob) + write_string(b"token")
        else:
            assert message.string() == self.blob
            data = hashlib.sha256(message.string()).digest()
            told = hashlib.sha256(APPLICATION).digest() + USER_PRESENT + COUNTER + data
            signature = (
                write_string(self.name) + write_string(self.sign(told)) + USER_PRESENT + COUNTER
            )
            body = b"\x0e" + write_string(signature)
        return write_string(body)


class EcdsaToken(Ed25519Token):
    """Holds an `sk-ecdsa-sha2-nistp256@openssh.com` key."""

    name = b"sk-ecdsa-sha2-nistp256@openssh.com"

    def __init__(self) -> None:
        self._ecdsa = ec.generate_private_key(ec.SECP256R1())
        public = self._ecdsa.public_key().public_bytes(X962, POINT)
        parts = (self.name, b"nistp256", public, APPLICATION)
        self.blob = b"".join(map(write_string, parts))

    def sign(self, data: bytes) -> bytes:
        numbers = utils.decode_dss_signature(self._ecdsa.sign(data, ec.ECDSA(hashes.SHA256())))
        pair = Message()
        for number in numbers:
            pair.add_mpint(number)
        return pair.asbytes()
