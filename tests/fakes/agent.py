"""An SSH agent with one Ed25519 key (draft-ietf-sshm-ssh-agent, section 5)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Callable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FAILURE, REQUEST_IDENTITIES, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE = 5, 11, 12, 13, 14
ALGORITHM = b"ssh-ed25519"


def serve(
    key: Ed25519PrivateKey, read: Callable[[int], bytes], write: Callable[[bytes], object]
) -> None:
    """Answer requests until `read` gives nothing; it may give less than it is asked for."""
    while True:
        head = _read_all(read, 4)
        if not head:
            return
        request = _read_all(read, *struct.unpack(">I", head))
        answer = _answer(key, request)
        write(struct.pack(">I", len(answer)) + answer)


def _answer(key: Ed25519PrivateKey, request: bytes) -> bytes:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = _string(ALGORITHM) + _string(public)
    if request[0] == REQUEST_IDENTITIES:
        return struct.pack(">BI", IDENTITIES_ANSWER, 1) + _string(blob) + _string(b"the agent's")
    if request[0] == SIGN_REQUEST:
        asked_for, rest = _take_string(request[1:])
        data, _flags = _take_string(rest)
        if asked_for == blob:
            signature = _string(ALGORITHM) + _string(key.sign(data))
            return bytes([SIGN_RESPONSE]) + _string(signature)
    return bytes([FAILURE])


def _string(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def _take_string(data: bytes) -> tuple[bytes, bytes]:
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]


def _read_all(read: Callable[[int], bytes], size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = read(size - len(data))
        if not more:
            return b""
        data += more
    return data
