"""Our packets and Paramiko's: each reads what the other has written, whatever the algorithms."""

from __future__ import annotations

import contextlib
import inspect
import os
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from paramiko.message import Message
from paramiko.packet import NeedRekeyException
from paramiko.packet import Packetizer as ParamikosPacketizer

from qxub.transport import paramiko_packets as packets
from qxub.transport.paramiko_line import BUFFER_BYTES
from qxub.transport.paramiko_packets import MAX_PACKET_BYTES, Packetizer

if TYPE_CHECKING:
    from collections.abc import Iterator

CIPHERS = ("aes128-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
MACS = ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha1-96")
SIZES = (1, 2, 11, 12, 13, 255, 32768, 131_072)
UNUSED = {"set_keepalive", "set_hexdump", "get_hexdump"}
"""what Transport calls only when it is asked to, which we never do"""


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.settimeout(0.1)
    with ours, theirs:
        yield ours, theirs


def keys_of(cipher: str, mac: str) -> dict[str, Any]:
    """What Transport gives to a packetizer, with keys for this pair of algorithms."""
    info = paramiko.Transport._cipher_info[cipher]  # type: ignore[attr-defined]
    made = paramiko.Transport._mac_info[mac]  # type: ignore[attr-defined]
    return {
        "key": os.urandom(info["key-size"]),
        "iv": os.urandom(info.get("iv-size", info["block-size"])),
        "aead": info.get("is_aead", False),
        "block_size": info["block-size"],
        "mac_engine": made["class"],
        "mac_size": made["size"],
        "mac_key": os.urandom(made["class"]().digest_size),
        "etm": "etm@" in mac,
    }


def set_keys(packetizer: Any, cipher: str, keys: dict[str, Any], *, inbound: bool) -> None:
    transport = paramiko.Transport.__new__(paramiko.Transport)
    operation = transport._DECRYPT if inbound else transport._ENCRYPT  # type: ignore[attr-defined]
    aead = keys["aead"]
    engine = transport._get_engine(cipher, keys["key"], keys["iv"], operation, aead)  # type: ignore[attr-defined]
    settings = {
        "block_engine": engine,
        "block_size": keys["block_size"],
        "mac_engine": None if aead else keys["mac_engine"],
        "mac_size": 16 if aead else keys["mac_size"],
        "mac_key": None if aead else keys["mac_key"],
        "etm": keys["etm"] and not aead,
        "aead": aead,
        "iv_in" if inbound else "iv_out": keys["iv"] if aead else None,
    }
    if inbound:
        packetizer.set_inbound_cipher(**settings)
    else:
        packetizer.set_outbound_cipher(sdctr=cipher.endswith("-ctr"), **settings)


@pytest.mark.parametrize("ours_writes", [True, False], ids=["we-write", "we-read"])
@pytest.mark.parametrize("mac", MACS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_each_reads_the_other(
    pair: tuple[socket.socket, socket.socket], cipher: str, mac: str, ours_writes: bool
) -> None:
    kinds: Any = (
        (Packetizer, ParamikosPacketizer) if ours_writes else (ParamikosPacketizer, Packetizer)
    )
    writer, reader = (kind(sock) for kind, sock in zip(kinds, pair))
    keys = keys_of(cipher, mac)
    set_keys(writer, cipher, keys, inbound=False)
    set_keys(reader, cipher, keys, inbound=True)
    sent = [bytes([2]) + os.urandom(size - 1) for size in SIZES * 3]
    thread = threading.Thread(target=lambda: [writer.send_message(Message(one)) for one in sent])
    thread.start()
    for one in sent:
        kind, message = reader.read_message()
        assert bytes([kind]) + message.asbytes() == one
    thread.join()


@pytest.mark.parametrize("mac", MACS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_changed_bit_is_found(
    pair: tuple[socket.socket, socket.socket], cipher: str, mac: str
) -> None:
    line: list[bytes] = []
    writer: Any = Packetizer(pair[0])
    writer._line.write = line.append
    keys = keys_of(cipher, mac)
    set_keys(writer, cipher, keys, inbound=False)
    writer.send_message(Message(b"\2" + bytes(100)))
    packet = bytearray(line[0])
    packet[-20] ^= 1
    pair[0].sendall(packet)
    reader = Packetizer(pair[1])
    set_keys(reader, cipher, keys, inbound=True)
    with pytest.raises(paramiko.SSHException, match="MAC"):
        reader.read_message()


@pytest.mark.parametrize(
    "start",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        MAX_PACKET_BYTES.to_bytes(4, "big"),
        b"\0\0\0\x0c\x0c" + bytes(20),  # padding as long as the packet
        b"\0\0\0\x0c\xff" + bytes(20),
        b"\0\0\0\x0c\x03" + bytes(20),  # less padding than there must be
    ],
    ids=["empty", "endless", "too long", "only padding", "more padding", "little padding"],
)
def test_malformed(pair: tuple[socket.socket, socket.socket], start: bytes) -> None:
    pair[0].sendall(start)
    with pytest.raises(paramiko.SSHException, match="malformed|impossible"):
        Packetizer(pair[1]).read_message()


def test_data_goes_to_its_taker_and_the_rest_is_given(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    writer, reader = (Packetizer(sock) for sock in pair)
    taken: list[bytes] = []

    def take(message: memoryview) -> bool:
        taken.append(bytes(message))
        return message[-1] != 0

    reader.take_data = take
    sent = [b"\x5e-1", b"\x5f-2", b"\x5e-\0", b"\x02-3"]
    writer.send_payloads(sent)
    assert reader.read_message()[0] == 0x5E
    assert reader.read_message()[0] == 2
    assert taken == sent[:3]


def test_more_than_the_buffer_holds(pair: tuple[socket.socket, socket.socket]) -> None:
    writer, reader = (Packetizer(sock) for sock in pair)
    sent = [b"\2" + os.urandom(99_990 + n) for n in range(3 * BUFFER_BYTES // 100_000)]
    thread = threading.Thread(target=writer.send_payloads, args=(sent,))
    thread.start()
    assert [b"\2" + reader.read_message()[1].asbytes() for _ in sent] == sent
    thread.join()


def test_new_keys_are_asked_for(pair: tuple[socket.socket, socket.socket]) -> None:
    writer, reader = (Packetizer(sock) for sock in pair)
    reader.REKEY_BYTES = 1000
    writer.send_payloads([b"\2" + bytes(600)] * 2)
    reader.read_message()
    assert not reader.need_rekey()
    reader.read_message()
    assert reader.need_rekey()
    with pytest.raises(NeedRekeyException):
        reader.read_message()


def test_a_peer_that_gives_no_new_keys(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packets._Counts, "OVERDUE_BYTES", 1000)
    writer, reader = (Packetizer(sock) for sock in pair)
    reader.renew_keys()
    writer.send_payloads([b"\2" + bytes(600)] * 2)
    reader.read_message()
    with pytest.raises(paramiko.SSHException, match="exchanging keys"):
        reader.read_message()


@pytest.mark.parametrize("who", ["here", "peer"])
def test_the_end_of_the_line(pair: tuple[socket.socket, socket.socket], who: str) -> None:
    reader = Packetizer(pair[1])
    closing = reader.close if who == "here" else pair[0].close
    threading.Timer(0.05, closing).start()
    with pytest.raises(EOFError):
        reader.read_message()
    assert reader.closed is (who == "here")


def test_everything_that_transport_asks_for_is_there(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    source = inspect.getsource(paramiko.Transport)
    used = set(re.findall(r"packetizer\.(\w+)", source)) - UNUSED
    ours = Packetizer(pair[0])
    assert {name for name in used if not hasattr(ours, name)} == set()
    with contextlib.suppress(OSError):
        ours.close()
