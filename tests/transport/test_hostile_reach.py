"""Servers that do not want us to arrive: each ends in time, with a clear error of the right class.

Every case runs under a ConnectTimeout of one second, and with logging not set up: nothing may be
printed, and no traceback appear.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from qxub.transport import (
    ChannelError,
    ConnectError,
    ConnectionLost,
    HostConfig,
    HostKeyChanged,
    HostKeyError,
    TransportError,
    connect,
)
from tests.fakes.hostile_server import (
    CHANNEL_DATA,
    CHANNEL_OPEN,
    CHANNEL_OPEN_FAILURE,
    ECDH_REPLY,
    IGNORE,
    KEXINIT,
    LISTS,
    NEWKEYS,
    VERSION,
    Behaviour,
    Peer,
    host_at,
    host_key_blob,
    hostile_server,
    says,
    sends,
    string,
    then,
)
from tests.transport.hostile import commanded

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("nothing_is_printed")

HANG = 60
"""seconds after which something hangs; the limit is one"""


def drips(peer: Peer) -> None:
    """A byte at a time, never a line's end."""
    while not peer.done.wait(0.05):
        peer.raw(b"x")


def ignores_for_ever(peer: Peer) -> None:
    while True:
        peer.packet(bytes([IGNORE]) + string(b"x"))


def lines_for_ever(peer: Peer) -> None:
    while True:
        peer.raw(b"still not SSH\r\n")


def closes(_peer: Peer) -> None:
    """Hang up at once."""


def wrong_signature(peer: Peer) -> None:
    peer.read()
    signature = string(string(b"ssh-ed25519") + string(bytes(64)))
    point = string(bytes([9]) + bytes(31))
    peer.packet(bytes([ECDH_REPLY]) + string(host_key_blob()) + point + signature)
    peer.stall()


def point_of_low_order(peer: Peer) -> None:
    peer.read()
    blob = string(host_key_blob())
    peer.packet(bytes([ECDH_REPLY]) + blob + string(bytes(32)) + string(b"x"))
    peer.stall()


STRICT = (LISTS[0] + b",kex-strict-s-v00@openssh.com", *LISTS[1:])
FOREIGN = (b"future-kex", *LISTS[1:])
versions, lists, stall = Peer.versions, Peer.lists, Peer.stall
BEFORE_LOGIN: dict[str, tuple[Behaviour, type[TransportError], str]] = {
    # stalls
    "stalls before the banner": (stall, ConnectError, "1 s was up, before an SSH banner"),
    "stalls within the banner": (then(says(b"SSH-2"), stall), ConnectError, "1 s was up, before"),
    "drips": (drips, ConnectError, "1 s was up, before an SSH banner"),
    "stalls after the banner": (then(versions, stall), ConnectError, "1 s was up, in the key exch"),
    "stalls in the lists": (
        then(versions, says(struct.pack(">IB", 1000, 4)), stall),
        ConnectError,
        "1 s was up, in the key exchange with SSH-2.0-hostile",
    ),
    "stalls after the lists": (then(versions, lists, stall), ConnectError, "1 s was up, in the k"),
    "ignores for ever": (then(versions, ignores_for_ever), ConnectError, "up, in the key|length"),
    # what is not SSH
    "closes at once": (closes, ConnectError, "does not speak SSH: "),
    "HTTP": (
        says(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>"),
        ConnectError,
        "does not speak SSH, it says 'HTTP/1.1 400 Bad Request'",
    ),
    "TLS": (then(says(b"\x15\x03\x01\x00\x02\x02\x46" * 3), stall), ConnectError, "1 s was up"),
    "banner of 1 MB": (says(b"x" * 1_000_000), ConnectError, "a line of more than 8192|1 s was up"),
    "version of 1 MB": (
        says(b"SSH-2.0-" + b"x" * 1_000_000),
        ConnectError,
        "than 8192 b|1 s was up",
    ),
    "10,000 lines before the banner": (
        says(b"\x1b[31mhello\x07\r\n" * 10_000 + VERSION + b"\r\n"),
        ConnectError,
        r"it says '\\x1b\[31mhello\\x07'.*1024 lines came before a version|1 s was up",
    ),
    "lines for ever": (lines_for_ever, ConnectError, "1024 lines came before a version|1 s was up"),
    "SSH 1": (says(b"SSH-1.5-old\r\n"), ConnectError, "Incompatible version"),
    "no version": (says(b"SSH-\r\n"), ConnectError, "Incompatible version"),
    # packets
    "hangs up in the key exchange": (versions, ConnectError, "far: key exchange: "),  # or resets
    "packet of 4 GB": (
        then(versions, says(struct.pack(">IB", 0xFFFFFFF4, 4) + bytes(100)), stall),
        ConnectError,
        "impossible length",
    ),
    "packet of 300 KB": (
        then(versions, says(struct.pack(">IB", 300_004, 4) + bytes(1000)), stall),
        ConnectError,
        "impossible length",
    ),
    "packet of no bytes": (
        then(versions, says(struct.pack(">IB", 0, 4) + bytes(100)), stall),
        ConnectError,
        "impossible length|malformed|blocking",
    ),
    "more padding than packet": (
        then(versions, says(struct.pack(">IB", 12, 200) + bytes(11)), stall),
        ConnectError,
        "malformed packet",
    ),
    "garbage": (then(versions, says(os.urandom(4096)), stall), ConnectError, "key exchange: "),
    # messages
    "no key exchange but a message of an unknown kind": (
        then(versions, sends(bytes([192]) + b"x"), stall),
        ConnectError,
        "key exchange: Expecting packet",
    ),
    "empty lists": (
        then(versions, sends(bytes([KEXINIT]) + bytes(16) + bytes(45)), stall),
        ConnectError,
        "no key-exchange algorithm in common: the server offers none; this client offers ",
    ),
    "lists that end too early": (
        then(versions, sends(bytes([KEXINIT]) + bytes(16) + b"\0\0\x10\0abc"), stall),
        ConnectError,
        "no key-exchange algorithm in common",
    ),
    "lists of bytes that are no text": (
        then(versions, sends(bytes([KEXINIT]) + bytes(16) + string(b"\xff\xfe") * 10), stall),
        ConnectError,
        "key exchange",
    ),
    "nothing shared": (
        then(versions, lambda peer: peer.lists(FOREIGN), stall),
        ConnectError,
        "the server offers future-kex; this client offers ",
    ),
    "new keys before there are any": (
        then(versions, lists, sends(bytes([NEWKEYS])), stall),
        ConnectError,
        "key exchange: Expecting packet",
    ),
    "a message between, in strict key exchange": (
        then(
            versions, lambda peer: peer.lists(STRICT), sends(bytes([IGNORE]) + string(b"x")), stall
        ),
        ConnectError,
        "key exchange: In strict-kex mode",
    ),
    "a signature that is none": (then(versions, lists, wrong_signature), TransportError, "far: "),
    "a point of low order": (
        then(versions, lists, point_of_low_order),
        ConnectError,
        "far: key ex",
    ),
}


@pytest.mark.parametrize("case", BEFORE_LOGIN)
def test_before_login(case: str, tmp_path: Path) -> None:
    behaviour, kind, message = BEFORE_LOGIN[case]
    begun = time.monotonic()
    with hostile_server(behaviour) as port, pytest.raises(kind, match=message) as caught:
        connect(host_at(port, tmp_path))
    assert time.monotonic() - begun < HANG
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith("far: ")


def test_bastion_with_a_wrong_key(tmp_path: Path) -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    with hostile_server(then(versions, lists, lambda peer: peer.new_keys(other), stall)) as port:
        bastion = host_at(port, tmp_path)
        target = HostConfig("target", "nowhere.invalid", 22, "u", jump=bastion)
        with pytest.raises(HostKeyChanged, match=r"^jump host far \(on the way to target\): far: "):
            connect(target)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (then(Peer.handshake, stall), "far: "),
        (Peer.handshake, "far: "),
        (then(Peer.handshake, says(os.urandom(4096)), stall), "far: "),
    ],
    ids=["stalls", "hangs up", "garbage"],
)
def test_after_new_keys(behaviour: Behaviour, message: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    with hostile_server(behaviour) as port, pytest.raises(TransportError) as caught:
        connect(host_at(port, tmp_path))
    assert time.monotonic() - begun < HANG
    assert not isinstance(caught.value, HostKeyError)
    assert str(caught.value).startswith(message)


def data(claimed: int, there: bytes) -> bytes:
    return bytes([CHANNEL_DATA]) + struct.pack(">II", 0, claimed) + there


def floods_unknown(peer: Peer) -> None:
    for kind in (192, 255, 7 + 3, 35, 127):
        peer.packet(bytes([kind]) + b"x" * 100)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (sends(data(1000, b"abc")), "sent 3 bytes of data and says 1000"),
        (sends(data(1, b"abc")), "sent 3 bytes of data and says 1"),
        (sends(data(0xFFFFFFFF, b"abc")), "sent 3 bytes of data and says 4294967295"),
        (sends(data(3, b"abc"), length=0xFFFFFFFC), "impossible length"),
        (sends(data(3, b"abc"), length=60_000), "impossible length|Mismatched MAC|blocking|closed"),
        (says(os.urandom(65536)), "impossible length|blocking|Mismatched MAC"),
        (sends(b""), "malformed packet"),
    ],
    ids=["too long", "too short", "4 GB", "packet of 4 GB", "longer packet", "garbage", "empty"],
)
def test_lies_while_a_command_runs(behaviour: Behaviour, message: str, tmp_path: Path) -> None:
    out = bytearray()
    with commanded(behaviour, tmp_path) as process, pytest.raises(ConnectionLost, match=message):
        process.drain(out.extend, out.extend)
    assert out == b""


def test_messages_of_unknown_kind_are_answered_and_passed_over(tmp_path: Path) -> None:
    """RFC 4253 section 11.4; the output goes on."""
    answers: list[bytes] = []

    def listens(peer: Peer) -> None:
        floods_unknown(peer)
        peer.packet(data(3, b"abc"))
        answers.extend(peer.read() for _ in range(5))

    out = bytearray()
    with commanded(listens, tmp_path) as process, pytest.raises(ConnectionLost):
        process.drain(out.extend, out.extend)
    assert out == b"abc"
    assert [answer[0] for answer in answers] == [3] * 5  # UNIMPLEMENTED


def test_channel_that_is_refused(tmp_path: Path) -> None:
    def refuses(peer: Peer) -> None:
        peer.login()
        while True:  # as it is asked again for a moment: a session may just have ended
            message = peer.read()
            if message[0] == CHANNEL_OPEN:
                channel = message[5 + message[4] :][:4]
                words = string(b"no\x1b[31m\xff") + string(b"")
                peer.packet(bytes([CHANNEL_OPEN_FAILURE]) + channel + bytes([0, 0, 0, 1]) + words)

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(hostile_server(refuses))
        connection = stack.enter_context(connect(host_at(port, tmp_path)))
        caught = stack.enter_context(pytest.raises(ChannelError))
        connection.start("true")
    assert str(caught.value).splitlines()[0] == (
        "far: opening a channel: Administratively prohibited: no\\x1b[31m\ufffd"
    )
