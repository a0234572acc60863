"""One direction's encryption: from bytes on the line to packets, and back (RFC 4253 section 6).

There are four ways in which length, ciphertext and MAC go together; each is a pair of classes, one
to open packets, one to seal them. The engines are those that Paramiko makes of the keys.
"""

from __future__ import annotations

import hmac
import os
import struct
from typing import TYPE_CHECKING, Any, Protocol

import paramiko
from cryptography.exceptions import InvalidTag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Aead(Protocol):
    """AES-GCM with a key."""

    def encrypt(self, nonce: bytes, data: memoryview, aad: memoryview, /) -> bytes:
        """Seal data."""

    def decrypt(self, nonce: bytes, data: memoryview, aad: memoryview, /) -> bytes:
        """Open data. Raises InvalidTag."""


class Stream(Protocol):
    """A cipher with a key that goes on where it left off: AES in counter mode."""

    def update(self, data: memoryview | bytes, /) -> bytes:
        """Encrypt or decrypt the next data, whole blocks."""


LENGTH_BYTES = 4
SMALLEST_PADDING = 4


class Opener(Protocol):
    """Takes packets of one direction apart, in their order."""

    start_bytes: int
    """so many bytes of a packet tell its length"""

    def size(self, start: memoryview) -> int:
        """Give the bytes that the packet takes on the line, by its first `start_bytes`."""

    def open(self, packet: memoryview, sequence: int) -> bytes:
        """Give padding length, payload and padding of a whole packet.

        Raises SSHException where the packet is not what was sent.
        """


class Sealer(Protocol):
    """Makes packets of one direction, in their order."""

    def seal(self, payload: bytes, sequence: int) -> bytes:
        """Give the packet's bytes on the line."""


def _length(start: memoryview | bytes) -> int:
    return int.from_bytes(start[:LENGTH_BYTES], "big")


def _padded(payload: bytes, block: int, outside: int, pad: Callable[[int], bytes]) -> bytes:
    """Give length, padding length, payload and padding; `outside` bytes are not encrypted."""
    padding = block - (LENGTH_BYTES + 1 - outside + len(payload)) % block
    if padding < SMALLEST_PADDING:
        padding += block
    head = struct.pack(">IB", 1 + len(payload) + padding, padding)
    return b"".join((head, payload, pad(padding)))


def _mismatch() -> paramiko.SSHException:
    return paramiko.SSHException("Mismatched MAC: a packet is not what the peer sent")


class Clear:
    """No encryption yet, in both directions: before the first key exchange has ended."""

    start_bytes = LENGTH_BYTES

    def size(self, start: memoryview) -> int:
        """As Opener says."""
        return LENGTH_BYTES + _length(start)

    def open(self, packet: memoryview, sequence: int) -> bytes:
        """As Opener says."""
        del sequence
        return bytes(packet[LENGTH_BYTES:])

    def seal(self, payload: bytes, sequence: int) -> bytes:
        """As Sealer says."""
        del sequence
        return _padded(payload, 8, 0, bytes)


class _Nonces:
    """The nonces of AES-GCM: a fixed part, and a counter of packets (RFC 5647 section 7.1)."""

    def __init__(self, first: bytes) -> None:
        self._fixed, self._counter = first[:4], int.from_bytes(first[4:], "big")

    def take(self) -> bytes:
        nonce = self._fixed + self._counter.to_bytes(8, "big")
        self._counter = (self._counter + 1) & 0xFFFFFFFFFFFFFFFF
        return nonce


class GcmOpener:
    """AES-GCM: the length in clear, authenticated with the rest (RFC 5647)."""

    start_bytes = LENGTH_BYTES

    def __init__(self, engine: Aead, first_nonce: bytes, tag_bytes: int) -> None:
        self._decrypt, self._nonces = engine.decrypt, _Nonces(first_nonce)
        self._tag_bytes = tag_bytes

    def size(self, start: memoryview) -> int:
        """As Opener says."""
        return LENGTH_BYTES + _length(start) + self._tag_bytes

    def open(self, packet: memoryview, sequence: int) -> bytes:
        """As Opener says."""
        del sequence
        aad, sealed = packet[:LENGTH_BYTES], packet[LENGTH_BYTES:]
        try:
            return self._decrypt(self._nonces.take(), sealed, aad)
        except InvalidTag:
            raise _mismatch() from None


class GcmSealer:
    """As GcmOpener, the other way."""

    def __init__(self, engine: Aead, first_nonce: bytes, block_bytes: int) -> None:
        self._encrypt, self._nonces = engine.encrypt, _Nonces(first_nonce)
        self._block_bytes = block_bytes

    def seal(self, payload: bytes, sequence: int) -> bytes:
        """As Sealer says."""
        del sequence
        packet = memoryview(_padded(payload, self._block_bytes, LENGTH_BYTES, os.urandom))
        aad = packet[:LENGTH_BYTES]
        return b"".join((aad, self._encrypt(self._nonces.take(), packet[LENGTH_BYTES:], aad)))


class Mac:
    """The MAC of one direction over the sequence number and a packet (RFC 4253 section 6.4)."""

    def __init__(self, key: bytes, hash_name: str, size: int) -> None:
        self._key, self._name, self.size = key, hash_name, size

    def of(self, data: bytes, sequence: int) -> bytes:
        """Give it, cut to its size."""
        return hmac.digest(self._key, sequence.to_bytes(4, "big") + data, self._name)[: self.size]

    def check(self, data: bytes, sequence: int, claimed: memoryview) -> None:
        """Raise SSHException unless `claimed` is it."""
        if not hmac.compare_digest(self.of(data, sequence), claimed):
            raise _mismatch()


class MacOverCiphertext:
    """Encrypt-then-MAC: the *-etm@openssh.com MACs (OpenSSH's PROTOCOL, section 1.3)."""

    start_bytes = LENGTH_BYTES

    def __init__(self, engine: Stream, block_bytes: int, mac: Mac) -> None:
        self._update, self._block_bytes, self._mac = engine.update, block_bytes, mac

    def size(self, start: memoryview) -> int:
        """As Opener says."""
        return LENGTH_BYTES + _length(start) + self._mac.size

    def open(self, packet: memoryview, sequence: int) -> bytes:
        """As Opener says."""
        end = len(packet) - self._mac.size
        self._mac.check(bytes(packet[:end]), sequence, packet[end:])
        return self._update(packet[LENGTH_BYTES:end])

    def seal(self, payload: bytes, sequence: int) -> bytes:
        """As Sealer says."""
        packet = _padded(payload, self._block_bytes, LENGTH_BYTES, bytes)
        sealed = packet[:LENGTH_BYTES] + self._update(packet[LENGTH_BYTES:])
        return b"".join((sealed, self._mac.of(sealed, sequence)))


class MacOverPlaintext:
    """Encrypt-and-MAC: the length is encrypted, too (RFC 4253 section 6)."""

    def __init__(self, engine: Stream, block_bytes: int, mac: Mac) -> None:
        self._update, self._block_bytes, self._mac = engine.update, block_bytes, mac
        self.start_bytes = block_bytes
        self._first = b""

    def size(self, start: memoryview) -> int:
        """As Opener says; the first block is decrypted for it, once for each packet."""
        self._first = self._update(start)
        return LENGTH_BYTES + _length(self._first) + self._mac.size

    def open(self, packet: memoryview, sequence: int) -> bytes:
        """As Opener says."""
        end = len(packet) - self._mac.size
        opened = self._first + self._update(packet[self.start_bytes : end])
        self._mac.check(opened, sequence, packet[end:])
        return opened[LENGTH_BYTES:]

    def seal(self, payload: bytes, sequence: int) -> bytes:
        """As Sealer says."""
        packet = _padded(payload, self._block_bytes, 0, bytes)
        return b"".join((self._update(packet), self._mac.of(packet, sequence)))


def opener_of(cipher: Mapping[str, Any]) -> Opener:
    """Make the Opener of what Transport gives to `set_inbound_cipher`."""
    if cipher["aead"]:
        return GcmOpener(cipher["block_engine"], cipher["iv_in"], cipher["mac_size"])
    return _with_mac(cipher)


def sealer_of(cipher: Mapping[str, Any]) -> Sealer:
    """Make the Sealer of what Transport gives to `set_outbound_cipher`."""
    if cipher["aead"]:
        return GcmSealer(cipher["block_engine"], cipher["iv_out"], cipher["block_size"])
    return _with_mac(cipher)


def _with_mac(cipher: Mapping[str, Any]) -> MacOverCiphertext | MacOverPlaintext:
    mac = Mac(cipher["mac_key"], cipher["mac_engine"]().name, cipher["mac_size"])
    kind = MacOverCiphertext if cipher["etm"] else MacOverPlaintext
    return kind(cipher["block_engine"], cipher["block_size"], mac)
