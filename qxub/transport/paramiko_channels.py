"""Session channels (RFC 4254 section 6) beyond what Paramiko's Channel does, on the client's side.

Paramiko ignores exit signals, closes a channel when one request is refused, loses what it has read
when the line goes while it returns window, copies its backlog at every read, and does not see a
server that sends more than its window. So for these channels the messages about data, requests,
answers, end and close are read here first; opening, closing and the windows of what is sent stay
Paramiko's.
"""

from __future__ import annotations

import collections
import logging
import math
import struct
import threading
import time
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_WINDOW_ADJUST,
    cMSG_CHANNEL_REQUEST,
)
from paramiko.message import Message

from qxub.transport.blobs import BlobReader
from qxub.transport.completion import Exited, Signalled
from qxub.transport.stream import WAIT_SECONDS, Stream, Wakeup
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from qxub.transport.completion import Ending
    from qxub.transport.paramiko_hooks import HookedTransport

log = logging.getLogger(__name__)

WINDOW_BYTES = 16 * 1024 * 1024
"""what may be on the way: at 200 ms for a round trip this is 80 MB/s, and bounds the memory"""
PACKET_BYTES = 128 * 1024
"""the largest piece of data to be sent to us"""
RETURN_BYTES = WINDOW_BYTES // 16
"""window is given back in such pieces"""
TOLERATED_BYTES = WINDOW_BYTES // 10
"""more than the window is forgiven up to this, as OpenSSH forgives it"""
SEND_BYTES = 1024 * 1024
"""so much is sent by one call, at most"""
STDERR = 1
"""the type of extended data (RFC 4254 section 5.2)"""


class Answer:
    """What the server says to a request about a channel."""

    def __init__(self, transport: HookedTransport, channel: paramiko.Channel) -> None:
        self._transport = transport
        self._channel = channel
        self._granted: bool | None = None
        self._arrived = Wakeup()

    def give(self, granted: bool) -> None:
        """Take note of it."""
        self._granted = granted
        self._transport.wake(self._arrived)

    def wait(self, seconds: float = math.inf) -> bool | None:
        """Wait for it; None: the channel or the line has ended first, or the time is over."""
        deadline = time.monotonic() + seconds
        while not self._arrived.wait(WAIT_SECONDS):
            if self._channel.closed or time.monotonic() > deadline:
                break
        return self._granted


class SessionChannel:
    """One open session channel, as the messages about it arrive in Transport's thread."""

    def __init__(self, transport: HookedTransport, channel: paramiko.Channel) -> None:
        self.channel = channel
        self.changed = Wakeup()
        self.completion: Ending | None = None
        self.closed_by_peer = False
        self.streams = (
            Stream(self._note_change, self._give_back),
            Stream(self._note_change, self._give_back),
        )
        self._transport = transport
        self._answers: collections.deque[Answer] = collections.deque()
        self._request_lock = threading.Lock()
        self._window = WINDOW_BYTES
        self._to_give_back = 0
        self._window_lock = threading.Lock()
        channel.in_buffer, channel.in_stderr_buffer = self.streams  # type: ignore[assignment]

    # What the server sends.

    def take_data(self, kind: int, message: memoryview) -> Stream | None:
        """Take a message of data, from the channel's number on; give the stream to wake for it.

        Raises SSHException for a length that is a lie, and for more than the window.
        """
        head = 8 if kind == MSG_CHANNEL_DATA else 12
        if len(message) < head:
            raise paramiko.SSHException("the server sent a malformed packet")
        claimed, there = struct.unpack_from(">I", message, head - 4)[0], len(message) - head
        if claimed != there:
            raise paramiko.SSHException(f"the server sent {there} bytes of data and says {claimed}")
        with self._window_lock:
            self._window -= there
            if self._window < -TOLERATED_BYTES:
                raise paramiko.SSHException("the server sent more than there was room for")
        if self.channel.eof_received:
            log.debug("%d bytes of data after the end of the data were passed over", there)
            return None
        is_stderr = kind != MSG_CHANNEL_DATA
        if is_stderr and struct.unpack_from(">I", message, 4)[0] != STDERR:
            log.debug("%d bytes of extended data of an unknown type were passed over", there)
            self._give_back(there)
            return None
        stream = self.streams[is_stderr]
        stream.add(bytes(message[head:]))
        return stream

    def take_request(self, request: bytes) -> None:
        """Take note of an exit status or an exit signal (RFC 4254 section 6.10): the first.

        Raises SSHException where it is cut off.
        """
        reader = BlobReader(request)
        try:
            kind, _wants_reply = reader.text(), reader.take(1)
        except ValueError:
            return  # whatever it is, it is no report
        try:
            report = _report(kind, reader)
        except ValueError as error:
            words = f"the server sent a malformed {kind.replace('-', ' ')}"
            raise paramiko.SSHException(words) from error
        self.completion = self.completion or report
        self.changed.set()

    def take_answer(self, granted: bool) -> None:
        """Take the answer to the oldest request that waits for one (RFC 4254 section 5.4)."""
        try:
            self._answers.popleft().give(granted)
        except IndexError:
            log.debug("an answer that nobody waits for was passed over")

    def take_close(self) -> None:
        """Take note of the server's CHANNEL_CLOSE (RFC 4254 section 5.3)."""
        self.closed_by_peer = True
        self.changed.set()

    def _note_change(self) -> None:
        self._transport.wake(self.changed)

    # What we send.

    def request(self, kind: str, *fields: bytes | int) -> Answer:
        """Send a request that is answered; this does not wait for it. Raises what ended the line.

        `fields` are what the request has to say: strings, or 32-bit numbers (RFC 4254 section 6).
        """
        answer = Answer(self._transport, self.channel)
        message = channel_request(self.channel, kind, *fields, want_reply=True)
        with self._request_lock:  # so that answers are expected in the order of the requests
            self._answers.append(answer)
            self._transport.send_about(self.channel, [message.asbytes()])
        return answer

    def notify(self, kind: str, *fields: bytes | int) -> None:
        """Send a request that is not answered. Raises what ended the line."""
        message = channel_request(self.channel, kind, *fields, want_reply=False)
        self._transport.send_about(self.channel, [message.asbytes()])

    def send_eof(self) -> None:
        """Say that no more data will come (RFC 4254 section 5.3), once. Raises as `request`."""
        with self.channel.lock:
            if self.channel.closed or self.channel.eof_sent:
                return
            self.channel.eof_sent = True
        eof = bytes([MSG_CHANNEL_EOF]) + struct.pack(">I", self.channel.remote_chanid)
        self._transport.send_about(self.channel, [eof])

    def send(self, data: memoryview) -> int:
        """Send the beginning of `data`, as much as the window allows; give how much that was.

        Waits for window for a while, and gives 0 when none has come, the end was sent, or the
        channel is closed.
        """
        allowed = self._reserve(min(len(data), SEND_BYTES))
        if allowed == 0:
            return 0
        piece = max(1, self.channel.out_max_packet_size - 64)
        head = bytes([MSG_CHANNEL_DATA]) + struct.pack(">I", self.channel.remote_chanid)
        starts = range(0, allowed, piece)
        parts = (data[start : min(start + piece, allowed)] for start in starts)
        payloads = [b"".join((head, struct.pack(">I", len(part)), part)) for part in parts]
        self._transport.send_about(self.channel, payloads)
        return allowed

    def _reserve(self, wanted: int) -> int:
        channel = self.channel
        with channel.lock:
            if channel.out_window_size == 0 and not (channel.closed or channel.eof_sent):
                channel.out_buffer_cv.wait(WAIT_SECONDS)
            if channel.closed or channel.eof_sent:
                return 0
            allowed: int = min(wanted, channel.out_window_size)
            channel.out_window_size -= allowed
            return allowed

    def _give_back(self, count: int) -> None:
        """Give window back for what has been taken, now and then; any thread."""
        with self._window_lock:
            self._to_give_back += count
            if self._to_give_back < RETURN_BYTES:
                return
            grant, self._to_give_back = self._to_give_back, 0
            self._window += grant
        if self.channel.eof_received or self.channel.closed:
            return
        message = Message()
        message.add_byte(bytes([MSG_CHANNEL_WINDOW_ADJUST]))
        message.add_int(self.channel.remote_chanid)
        message.add_int(grant)
        try:
            self._transport.send_about(self.channel, [message.asbytes()])
        except (EOFError, OSError, paramiko.SSHException) as error:
            log.debug("no window returned, the line is gone: %s", error)


def _report(kind: str, request: BlobReader) -> Ending | None:
    """Read what a request of `kind` reports. Raises ValueError where it is malformed."""
    if kind == "exit-signal":
        name, core_dumped = printable(request.text()), request.take(1) != b"\0"
        return Signalled(name, core_dumped, printable(request.text()))
    if kind != "exit-status":
        return None
    status = request.number()
    if not request.at_end:
        raise ValueError("more than a status came")
    return Exited(status)


def channel_request(
    channel: paramiko.Channel, kind: str, *fields: bytes | int, want_reply: bool
) -> Message:
    """Make a request about a channel (RFC 4254 section 5.4)."""
    message = Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string(kind)
    message.add_boolean(want_reply)
    for field in fields:
        if isinstance(field, bytes):
            message.add_string(field)
        else:
            message.add_int(field)
    return message
