"""OpenSSH's file format of private keys (PROTOCOL.key), under every cipher of ssh-keygen.

The cryptography library knows three of them. So the private section is decrypted here, with that
library's primitives, and handed over to it as a key without a passphrase.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Callable

import bcrypt
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import poly1305
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qxub.transport.blobs import BlobReader, write_string
from qxub.transport.key_errors import KeyUnusableError, PassphraseNeededError

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:  # before cryptography 43
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

MISSING = "needs a passphrase"
WRONG = "is locked, and the passphrase is wrong"
_MAGIC = b"openssh-key-v1\0"
_ARMOUR = re.compile(
    rb"-----BEGIN OPENSSH PRIVATE KEY-----(.+?)-----END OPENSSH PRIVATE KEY-----", re.DOTALL
)
_LINE = 70
_TAG_BYTES = 16
MAX_ROUNDS = 10_000
"""of bcrypt: minutes; ssh-keygen's default is 16 or 24, and a file may say four billion"""


@dataclass(frozen=True)
class Container:
    """A key file in this format, with what can be read of it without the passphrase."""

    cipher: str
    kdf: bytes
    kdf_options: bytes
    public: bytes
    section: bytes
    tag: bytes

    @property
    def is_encrypted(self) -> bool:
        """Whether it takes a passphrase."""
        return self.cipher != "none"


def read_container(data: bytes) -> Container | None:
    """Read a file; None if it is in another format. Raises ValueError if it is damaged."""
    found = _ARMOUR.search(data)
    if found is None:
        return None
    try:
        fields = BlobReader(base64.b64decode(b"".join(found[1].split()), validate=True))
    except binascii.Error as error:
        raise ValueError(f"its base64 is damaged: {error}") from error
    if fields.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("it lacks the mark of its format")
    cipher, kdf, options = fields.string().decode("ascii", "replace"), *_strings(fields, 2)
    if fields.number() != 1:
        raise ValueError("it holds more than one key")
    public, section = _strings(fields, 2)
    return Container(cipher, kdf, options, public, section, fields.rest)


def without_passphrase(container: Container, passphrase: bytes | None) -> bytes:
    """Give the file as it would be without a passphrase, for the cryptography library.

    Raises PassphraseNeededError, KeyUnusableError for an unknown cipher, and ValueError.
    """
    section = container.section
    if container.is_encrypted:
        if passphrase is None:
            raise PassphraseNeededError(MISSING)
        section = _decrypt(container, passphrase)
        if section[:4] != section[4:8]:
            raise PassphraseNeededError(WRONG)
    fields = (b"none", b"none", b"")
    body = _MAGIC + b"".join(map(write_string, fields)) + (1).to_bytes(4, "big")
    text = base64.b64encode(body + write_string(container.public) + write_string(section))
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    name = b"OPENSSH PRIVATE KEY-----"
    return b"\n".join([b"-----BEGIN " + name, *lines, b"-----END " + name, b""])


def _decrypt(container: Container, passphrase: bytes) -> bytes:
    if container.cipher not in _CIPHERS:
        raise KeyUnusableError(f"is encrypted under {container.cipher!r}, which is not supported")
    if container.kdf != b"bcrypt":
        raise KeyUnusableError("its passphrase is hashed in a way that is not supported")
    key_bytes, iv_bytes, decrypt = _CIPHERS[container.cipher]
    options = BlobReader(container.kdf_options)
    salt, rounds = options.string(), options.number()
    if not salt or not 0 < rounds <= MAX_ROUNDS:
        raise KeyUnusableError(f"its passphrase would have to be hashed {rounds} times")
    if not passphrase:
        raise PassphraseNeededError(WRONG)
    made = bcrypt.kdf(passphrase, salt, key_bytes + iv_bytes, rounds, ignore_few_rounds=True)
    try:
        return decrypt(made[:key_bytes], made[key_bytes:], container)
    except (InvalidTag, InvalidSignature) as error:
        raise PassphraseNeededError(WRONG) from error


def _in_blocks(cipher: Cipher[modes.CBC] | Cipher[modes.CTR], section: bytes) -> bytes:
    decryptor = cipher.decryptor()
    return decryptor.update(section) + decryptor.finalize()


def _cbc(key: bytes, iv: bytes, container: Container) -> bytes:
    return _in_blocks(Cipher(algorithms.AES(key), modes.CBC(iv)), container.section)


def _ctr(key: bytes, iv: bytes, container: Container) -> bytes:
    return _in_blocks(Cipher(algorithms.AES(key), modes.CTR(iv)), container.section)


def _triple_des(key: bytes, iv: bytes, container: Container) -> bytes:
    return _in_blocks(Cipher(TripleDES(key), modes.CBC(iv)), container.section)


def _gcm(key: bytes, iv: bytes, container: Container) -> bytes:
    return AESGCM(key).decrypt(iv, container.section + container.tag[:_TAG_BYTES], None)


def _chacha20(key: bytes, iv: bytes, container: Container) -> bytes:
    """PROTOCOL.chacha20poly1305 with sequence number 0; only the first of its two keys is used."""
    del iv
    one_time_key = _chacha20_block(key[:32], 0, bytes(32))
    poly1305.Poly1305.verify_tag(one_time_key, container.section, container.tag[:_TAG_BYTES])
    return _chacha20_block(key[:32], 1, container.section)


def _chacha20_block(key: bytes, counter: int, data: bytes) -> bytes:
    nonce = counter.to_bytes(8, "little") + bytes(8)
    return Cipher(algorithms.ChaCha20(key, nonce), None).decryptor().update(data)


def _strings(fields: BlobReader, count: int) -> list[bytes]:
    return [fields.string() for _ in range(count)]


_CIPHERS: dict[str, tuple[int, int, Callable[[bytes, bytes, Container], bytes]]] = {
    "aes128-cbc": (16, 16, _cbc),
    "aes192-cbc": (24, 16, _cbc),
    "aes256-cbc": (32, 16, _cbc),
    "aes128-ctr": (16, 16, _ctr),
    "aes192-ctr": (24, 16, _ctr),
    "aes256-ctr": (32, 16, _ctr),
    "aes128-gcm@openssh.com": (16, 12, _gcm),
    "aes256-gcm@openssh.com": (32, 12, _gcm),
    "chacha20-poly1305@openssh.com": (64, 0, _chacha20),
    "3des-cbc": (24, 8, _triple_des),
}
"""name → bytes of key and of initialization vector, and the function that decrypts"""
