"""An SSH server, hand-written after RFC 4253, that can misbehave at each stage of the handshake.

It does a real key exchange (curve25519-sha256, ssh-ed25519, aes128-ctr, hmac-sha2-256), so that the
later stages can be reached. A behaviour is a function that is given a `Peer` and talks to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import socket
import struct
import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Callable

from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qxub.transport import HostConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

VERSION = b"SSH-2.0-hostile"
LISTS = (
    *(b"curve25519-sha256@libssh.org", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr"),
    *(b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b""),
)
DISCONNECT, IGNORE, SERVICE_ACCEPT, KEXINIT, NEWKEYS, ECDH_REPLY = 1, 2, 6, 20, 21, 31
USERAUTH_FAILURE, USERAUTH_SUCCESS = 51, 52
CHANNEL_OPEN, CHANNEL_CONFIRMATION, CHANNEL_OPEN_FAILURE, CHANNEL_WINDOW_ADJUST = 90, 91, 92, 93
CHANNEL_DATA, CHANNEL_EXTENDED_DATA, CHANNEL_EOF, CHANNEL_CLOSE = 94, 95, 96, 97
CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE = 98, 99, 100

HOST_KEY = ed25519.Ed25519PrivateKey.generate()


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def host_key_blob(key: ed25519.Ed25519PrivateKey = HOST_KEY) -> bytes:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return string(b"ssh-ed25519") + string(public)


def mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


class Peer:
    """The connection to one client; packets are in the clear until `new_keys`."""

    def __init__(self, sock: socket.socket, done: threading.Event) -> None:
        self.sock = sock
        self.done = done
        self._file = sock.makefile("rb")
        self._sent = 0
        self._encrypt: CipherContext | None = None
        self._decrypt: CipherContext | None = None
        self._mac_keys = (b"", b"")
        self._theirs: dict[str, bytes] = {}

    def stall(self) -> None:
        """Say nothing until the test is over."""
        self.done.wait()

    def raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def packet(self, payload: bytes, *, length: int | None = None) -> None:
        """Send a packet, with a lie about its length if one is given (RFC 4253 section 6)."""
        block = 16 if self._encrypt else 8
        padding = block - (5 + len(payload)) % block
        padding += block if padding < 4 else 0
        size = 1 + len(payload) + padding if length is None else length
        plain = struct.pack(">IB", size, padding) + payload + bytes(padding)
        data = plain
        if self._encrypt:
            mac = hmac.digest(self._mac_keys[1], struct.pack(">I", self._sent) + plain, "sha256")
            data = self._encrypt.update(plain) + mac
        self._sent += 1
        self.raw(data)

    def read(self) -> bytes:
        """The next packet's payload. Raises EOFError when the client has gone."""
        head = self._decrypted(16 if self._decrypt else 8)
        size, padding = struct.unpack(">IB", head[:5])
        rest = self._decrypted(size + 4 - len(head))
        if self._decrypt:
            self._exactly(32)
        return (head + rest)[5 : 4 + size - padding]

    def versions(self) -> None:
        self.raw(VERSION + b"\r\n")
        self._theirs["version"] = self._file.readline().rstrip(b"\r\n")

    def lists(self, lists: tuple[bytes, ...] = LISTS) -> None:
        """Exchange KEXINIT (section 7.1)."""
        names = b"".join(string(one) for one in lists)
        self._theirs["ours"] = bytes([KEXINIT]) + os.urandom(16) + names + bytes(5)
        self.packet(self._theirs["ours"])
        self._theirs["kexinit"] = self.read()

    def new_keys(self, key: ed25519.Ed25519PrivateKey = HOST_KEY) -> None:
        """Do the rest of the key exchange (RFC 8731), up to NEWKEYS from both."""
        client_point = self.read()[5:]
        private = x25519.X25519PrivateKey.generate()
        point = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        shared = private.exchange(x25519.X25519PublicKey.from_public_bytes(client_point))
        secret = mpint(int.from_bytes(shared, "big"))
        blob = host_key_blob(key)
        parts = (
            *(self._theirs["version"], VERSION, self._theirs["kexinit"], self._theirs["ours"]),
            *(blob, client_point, point),
        )
        digest = hashlib.sha256(b"".join(map(string, parts)) + secret).digest()
        signature = string(b"ssh-ed25519") + string(key.sign(digest))
        self.packet(bytes([ECDH_REPLY]) + string(blob) + string(point) + string(signature))
        self.packet(bytes([NEWKEYS]))
        self.read()

        def derived(letter: bytes) -> bytes:
            return hashlib.sha256(secret + digest + letter + digest).digest()

        def cipher(number: bytes, start: bytes) -> Cipher[modes.CTR]:
            return Cipher(algorithms.AES(derived(number)[:16]), modes.CTR(derived(start)[:16]))

        self._decrypt = cipher(b"C", b"A").decryptor()
        self._encrypt = cipher(b"D", b"B").encryptor()
        self._mac_keys = (derived(b"E"), derived(b"F"))

    def handshake(self) -> None:
        self.versions()
        self.lists()
        self.new_keys()

    def login(self) -> None:
        """Let the client in at its first request."""
        self.handshake()
        self.read()
        self.packet(bytes([SERVICE_ACCEPT]) + string(b"ssh-userauth"))
        self.read()
        self.packet(bytes([USERAUTH_SUCCESS]))

    def channel(self, window: int = 1 << 20, largest: int = 1 << 15) -> None:
        """Let the client in, and open the channel that it asks for, whose number is 0 for both.

        The client may then send `window` bytes, in packets with `largest` bytes at most.
        """
        self.login()
        self.read_until(CHANNEL_OPEN)
        answer = struct.pack(">IIII", 0, 0, window, largest)
        self.packet(bytes([CHANNEL_CONFIRMATION]) + answer)

    def command(self, window: int = 1 << 20, largest: int = 1 << 15) -> None:
        """Let the client in, and say that its command runs."""
        self.channel(window, largest)
        self.read_until(CHANNEL_REQUEST)
        self.packet(bytes([CHANNEL_SUCCESS]) + bytes(4))

    def read_until(self, kind: int) -> bytes:
        """Read up to a message of this kind, and give it."""
        while (message := self.read())[0] != kind:
            pass
        return message

    def _exactly(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def _decrypted(self, count: int) -> bytes:
        data = self._exactly(count)
        return self._decrypt.update(data) if self._decrypt else data


Behaviour = Callable[[Peer], None]


def then(*steps: Behaviour) -> Behaviour:
    """A behaviour of several steps."""

    def behave(peer: Peer) -> None:
        for step in steps:
            step(peer)

    return behave


def says(data: bytes) -> Behaviour:
    """A behaviour that sends these bytes, outside of any packet."""
    return lambda peer: peer.raw(data)


def sends(*payloads: bytes, length: int | None = None) -> Behaviour:
    """A behaviour that sends these packets."""

    def behave(peer: Peer) -> None:
        for payload in payloads:
            peer.packet(payload, length=length)

    return behave


@contextlib.contextmanager
def hostile_server(behaviour: Behaviour) -> Iterator[int]:
    """Serve one client on a loopback port; when the behaviour returns, hang up."""
    done = threading.Event()
    clients: list[socket.socket] = []

    def serve() -> None:
        try:
            client, _ = listener.accept()
        except OSError:  # nobody came
            return
        clients.append(client)
        # the client has gone, which is what it should do
        with client, contextlib.suppress(OSError, EOFError, struct.error):
            behaviour(Peer(client, done))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            for sock in (listener, *clients):
                with contextlib.suppress(OSError):  # it has hung up
                    sock.shutdown(socket.SHUT_RDWR)
            thread.join()


def host_at(port: int, directory: Path, **settings: Any) -> HostConfig:
    """The hostile server, whose key is known."""
    file = directory / "known_hosts"
    file.write_text(f"[127.0.0.1]:{port} ssh-ed25519 {b64encode(host_key_blob()).decode()}\n")
    return HostConfig(
        "far",
        "127.0.0.1",
        port,
        "u",
        connect_timeout=1.0,
        identity_agent="none",
        user_known_hosts_files=(file,),
        **settings,
    )
