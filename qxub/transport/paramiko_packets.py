"""Packets on the line: what Paramiko's Packetizer does, faster, and with less taken on trust.

It is given to Paramiko by Transport's `packetizer_class`. It reads much at once instead of block by
block, sends several packets by one call, and hands a channel's data over without a detour.
Paramiko's own takes a packet of any length that is claimed and a version line of any length, and
fills up with zeros what is shorter than it says. tests/transport/test_packets.py holds on to what
Paramiko uses of it.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Callable

import paramiko
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA
from paramiko.message import Message
from paramiko.packet import NeedRekeyException

from qxub.transport.paramiko_ciphers import SMALLEST_PADDING, Clear, opener_of, sealer_of
from qxub.transport.paramiko_line import Line, Pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qxub.transport.paramiko_ciphers import Opener, Sealer
    from qxub.transport.paramiko_hooks import SocketLike

MAX_PACKET_BYTES = 256 * 1024
"""OpenSSH's PACKET_MAX_SIZE; the line's buffer holds two"""
DATA = (MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA)
BOTH_DIRECTIONS = {"in", "out"}

DataTaker = Callable[[memoryview], bool]
"""takes a message of one of the kinds in DATA, whole, if it will have it"""


class Packetizer:
    """Reads and writes packets on a connected socket.

    One thread reads; any may write. Whoever wants the data of channels sets `take_data`.
    """

    REKEY_BYTES = 2**36
    """after so many bytes either way keys are exchanged anew: OpenSSH's limit for AES"""
    REKEY_PACKETS = 2**31
    """and after so many packets (RFC 4344 section 3.1)"""

    def __init__(self, sock: SocketLike) -> None:
        self._line = Line(sock)
        self.take_data: DataTaker = lambda _message: False
        self._opener: Opener = Clear()
        self._sealer: Sealer = Clear()
        self._compress: Callable[[bytes], bytes] | None = None
        self._decompress: Callable[[bytes], bytes] | None = None
        self._sequence_in = self._sequence_out = 0
        self._initial_kex_done = False  # set by Paramiko
        self._counts = _Counts()
        self._needs_keys = False
        self._with_new_keys: set[str] = set()
        self._write_lock = threading.Lock()

    def call_before_waiting(self, function: Callable[[], None]) -> None:
        """Have `function` called when all that has come was taken, before waiting for more."""
        self._line.about_to_wait = function

    # What Transport sets.

    def set_log(self, log: object) -> None:
        """Take note of nothing: what goes wrong here is raised."""

    def set_inbound_cipher(self, **cipher: object) -> None:
        """Open what follows with new keys."""
        self._opener = opener_of(cipher)
        self._counts.received = self._counts.packets_in = 0
        self._note_new_keys("in")

    def set_outbound_cipher(self, **cipher: object) -> None:
        """Seal what follows with new keys."""
        self._sealer = sealer_of(cipher)
        self._counts.sent = self._counts.packets_out = 0
        self._note_new_keys("out")

    def _note_new_keys(self, direction: str) -> None:
        self._with_new_keys.add(direction)
        if self._with_new_keys == BOTH_DIRECTIONS:
            self._with_new_keys.clear()
            self._needs_keys = False

    def set_inbound_compressor(self, compressor: Callable[[bytes], bytes]) -> None:
        """Decompress from now on."""
        self._decompress = compressor

    def set_outbound_compressor(self, compressor: Callable[[bytes], bytes]) -> None:
        """Compress from now on."""
        self._compress = compressor

    def reset_seqno_in(self) -> None:
        """Count from 0 again (strict key exchange: OpenSSH's PROTOCOL, section 1.10)."""
        self._sequence_in = 0

    def reset_seqno_out(self) -> None:
        """Count from 0 again."""
        self._sequence_out = 0

    def start_handshake(self, timeout: float) -> None:
        """Give the first key exchange so many seconds."""
        if self._line.deadline is None:
            self._line.deadline = time.monotonic() + timeout

    def complete_handshake(self) -> None:
        """Note that the first key exchange goes on; Transport says so after each message."""
        self._line.deadline = math.inf

    def need_rekey(self) -> bool:
        """Whether the keys have served long enough."""
        return self._needs_keys

    def renew_keys(self) -> None:
        """Have keys exchanged anew, soon; this does not wait for it."""
        self._counts.overdue = 0
        self._needs_keys = True

    @property
    def last_heard(self) -> float:
        """When the peer last sent something, by time.monotonic()."""
        return self._line.last_heard

    @property
    def closed(self) -> bool:
        """Whether the line was closed here."""
        return self._line.closed

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    # Reading, in Transport's thread.

    def readline(self, timeout: float) -> str:
        """Read a line of text. There is no limit of time: that is the caller's, who closes."""
        del timeout
        return self._line.read_text_line()

    def read_message(self) -> tuple[int, Message]:
        """Read the next message that is no data of a channel, which goes to `take_data`.

        Raises SSHException for a malformed packet, EOFError at the end of the line, and
        NeedRekeyException when it is time to exchange keys.
        """
        while True:
            sequence = self._sequence_in
            try:
                payload = self._next_payload()
            except Pause:
                if self._needs_keys:
                    raise NeedRekeyException from None
                continue
            kind = payload[0]
            if kind not in DATA or not self.take_data(payload):
                message = Message(bytes(payload[1:]))
                message.seqno = sequence
                return kind, message
            if self._needs_keys:
                raise NeedRekeyException

    def _next_payload(self) -> memoryview:
        opener, line = self._opener, self._line
        size = opener.size(line.peek(opener.start_bytes, at_start=True))
        if not opener.start_bytes <= size <= MAX_PACKET_BYTES:
            raise paramiko.SSHException(
                f"the server sent a packet of an impossible length ({size})"
            )
        opened = opener.open(line.peek(size), self._sequence_in)
        line.skip(size)
        self._sequence_in = self._after(self._sequence_in)
        if self._counts.note_received(size, asked=self._needs_keys, limits=self):
            self.renew_keys()
        padding = opened[0] if opened else 0
        payload = memoryview(opened)[1 : len(opened) - padding]
        if self._decompress is not None and payload:
            payload = memoryview(self._decompress(bytes(payload)))
        if padding < SMALLEST_PADDING or not payload:
            raise paramiko.SSHException("the server sent a malformed packet")
        return payload

    def _after(self, sequence: int) -> int:
        following = (sequence + 1) & 0xFFFFFFFF
        if following == 0 and not self._initial_kex_done:
            raise paramiko.SSHException("the sequence number rolled over during the key exchange")
        return following

    # Writing, in any thread.

    def send_message(self, message: Message) -> None:
        """Send one message. Raises EOFError where the line takes no more."""
        self.send_payloads((message.asbytes(),))

    def send_payloads(self, payloads: Iterable[bytes]) -> None:
        """Send several messages at once."""
        with self._write_lock:
            packets = []
            for payload in payloads:
                data = payload if self._compress is None else self._compress(payload)
                packets.append(self._sealer.seal(data, self._sequence_out))
                self._sequence_out = self._after(self._sequence_out)
            out = packets[0] if len(packets) == 1 else b"".join(packets)
            self._line.write(out)
            if self._counts.note_sent(len(out), len(packets), self) and not self._needs_keys:
                self.renew_keys()

    def write_all(self, data: bytes) -> None:
        """Send bytes as they are: the version."""
        self._line.write(data)


class _Counts:
    """What the present keys have served for."""

    OVERDUE_BYTES = 2**29
    """so much may still come before the peer takes part in an exchange of keys"""

    def __init__(self) -> None:
        self.sent = self.packets_out = self.received = self.packets_in = self.overdue = 0

    def note_sent(self, size: int, packets: int, limits: Packetizer) -> bool:
        """Count; tell whether it is time for new keys."""
        self.sent += size
        self.packets_out += packets
        return self.sent >= limits.REKEY_BYTES or self.packets_out >= limits.REKEY_PACKETS

    def note_received(self, size: int, *, asked: bool, limits: Packetizer) -> bool:
        """Count; tell whether it is time to ask. Raises SSHException when asking is of no use."""
        self.received += size
        self.packets_in += 1
        if asked:
            self.overdue += size
            if self.overdue >= self.OVERDUE_BYTES:
                raise paramiko.SSHException("the server does not take part in exchanging keys anew")
            return False
        return self.received >= limits.REKEY_BYTES or self.packets_in >= limits.REKEY_PACKETS


def take_data(
    handler: Callable[[paramiko.Channel, Message], None],
    before: int,
    channel: paramiko.Channel,
    message: Message,
) -> None:
    """Take data for a channel, unless its length is a lie: Paramiko would make up the rest."""
    start = message.packet.tell()
    message.get_bytes(before)
    claimed = message.get_int()
    there = message.packet.seek(0, 2) - start - before - 4
    if claimed != there:
        raise paramiko.SSHException(f"the server sent {there} bytes of data and says {claimed}")
    message.packet.seek(start)
    handler(channel, message)
