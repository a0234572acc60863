"""What Paramiko takes from the wire without a second look: lengths, of packets and within them.

It takes a packet of any length that is claimed, a version line of any length, and fills up with
zeros what is shorter than it says. tests/transport/test_handshake_hooks.py holds on to what this
relies on.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import paramiko
from paramiko.packet import Packetizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from paramiko.message import Message

    from qxub.transport.paramiko_hooks import SocketLike

MAX_PACKET_BYTES = 256 * 1024
MAX_LINE_BYTES = 8192
"""two limits of OpenSSH's (PACKET_MAX_SIZE, SSH_MAX_BANNER_LEN)"""


class CheckedPacketizer(Packetizer):
    """A Packetizer that refuses malformed packets, and notes when the peer was last heard."""

    def __init__(self, sock: SocketLike) -> None:
        super().__init__(sock)  # type: ignore[arg-type]
        self.last_heard = time.monotonic()

    def readline(self, timeout: float) -> str:
        """Read a line, without its end. Raises SSHException for one beyond reason.

        There is no limit of time: that is the caller's, who closes the socket.
        """
        del timeout
        line = bytearray()
        while len(line) <= MAX_LINE_BYTES:
            byte = self.read_all(1)
            if byte == b"\n":
                return line.removesuffix(b"\r").decode("utf-8", "replace")
            line += byte
        raise paramiko.SSHException(f"a line of more than {MAX_LINE_BYTES} bytes came")

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read `n` bytes. Raises SSHException where a packet's length is beyond reason."""
        if not 0 <= n <= MAX_PACKET_BYTES:
            raise paramiko.SSHException(f"the server sent a packet of an impossible length ({n})")
        return super().read_all(n, check_rekey)

    def read_message(self) -> tuple[int, Message]:
        """Read a packet. Raises SSHException for one whose lengths contradict each other."""
        try:
            kind, message = super().read_message()
        except (IndexError, ValueError, struct.error) as error:
            raise paramiko.SSHException("the server sent a malformed packet") from error
        self.last_heard = time.monotonic()
        return kind, message


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
