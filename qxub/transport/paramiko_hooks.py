"""Reaching into Paramiko, which the modules paramiko_* alone do, and why each time.

Paramiko has no public way to tell a channel that the peer closed from one that died with the line,
to hold on to the first host key at a rekey, or to say which host certificate was offered (it takes
the key in it, and looks at nothing else). The hooks are Transport's per-instance table of channel
message handlers, which hand to paramiko_channels what concerns our sessions, and four overridden
methods. tests/transport/test_hooks.py fails plainly when a new Paramiko changes what they rely on.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Union

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    cMSG_CHANNEL_OPEN,
)
from paramiko.message import Message

from qxub.transport.host_certificates import plain_key
from qxub.transport.host_key_proof import read_plain_key, refusing_bad_keys
from qxub.transport.paramiko_channels import (
    PACKET_BYTES,
    WINDOW_BYTES,
    SessionChannel,
)
from qxub.transport.paramiko_handshake import HandshakeTransport
from qxub.transport.paramiko_opening import Opening, SessionOpener
from qxub.transport.translation import printable

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from qxub.transport.proxy_command import ProxySocket
    from qxub.transport.stream import Stream, Wakeup

log = logging.getLogger(__name__)
# Without a handler of its own, Paramiko's errors would reach stderr by logging's last resort.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

TUNNEL_WINDOW_BYTES = 2 * 1024 * 1024
"""Paramiko's BufferedPipe copies its backlog at every read"""
CHUNK_BYTES = 64 * 1024
CLOSED_CHANNELS_KEPT = 1000
"""for so many a late message is passed over; Paramiko remembers all that there ever were"""
DATA_HEAD_BYTES = 9
"""kind, number of the channel, length"""
WEAK_ALGORITHMS = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
}
PLAIN_HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)

SocketLike = Union["socket.socket", paramiko.Channel, "ProxySocket"]


class HookedTransport(HandshakeTransport):
    """A Paramiko Transport with our settings, whose channel requests can be watched.

    Everything that it logs is logged at DEBUG: its failures are raised, so an error in the log,
    with a traceback, would be told twice.
    """

    def __init__(self, sock: SocketLike, host_key_algorithms: Iterable[str] = ()) -> None:
        super().__init__(
            sock, default_window_size=TUNNEL_WINDOW_BYTES, disabled_algorithms=WEAK_ALGORITHMS
        )
        self._host_key_algorithms = tuple(host_key_algorithms) or PLAIN_HOST_KEY_ALGORITHMS
        self.host_key_blob = b""
        self.sessions: dict[int, SessionChannel] = {}
        """those that the server has not closed yet, by the number of the channel here"""
        self.last_end = -math.inf
        """when the server last closed one, by time.monotonic()"""
        self.disconnect_reason = ""
        self._paramiko_handles = self._channel_handler_table
        self._channel_handler_table: dict[int, Callable[[paramiko.Channel, Message], None]] = {
            **self._paramiko_handles,
            MSG_CHANNEL_REQUEST: self.on_channel_request,
            MSG_CHANNEL_SUCCESS: partial(self._on_answer, MSG_CHANNEL_SUCCESS),
            MSG_CHANNEL_FAILURE: partial(self._on_answer, MSG_CHANNEL_FAILURE),
            MSG_CHANNEL_CLOSE: self._on_channel_close,
        }
        self.opener = SessionOpener(self)
        self._fed: set[Stream] = set()
        self._to_wake: set[Wakeup] = set()
        self.packetizer.take_data = self._take_data
        self.packetizer.call_before_waiting(self._wake_waiting)

    def run(self) -> None:
        """Be Transport's thread."""
        super().run()
        self._wake_waiting()

    def wake(self, wakeup: Wakeup) -> None:
        """Wake who waits: soon, in Transport's own thread; at once, in any other."""
        if threading.current_thread() is self:
            self._to_wake.add(wakeup)
        else:
            wakeup.set()

    def ask_for_session(self) -> Opening:
        """Ask for a session channel; this does not wait for it. Raises what ended the line."""
        if not self.is_active():
            raise self.get_exception() or EOFError
        with self.lock:
            number = self._next_channel()  # type: ignore[attr-defined]
            channel = paramiko.Channel(number)
            opening = Opening(self, SessionChannel(self, channel))
            self._channels.put(number, channel)  # type: ignore[attr-defined]
            self.channel_events[number] = opening  # type: ignore[assignment] # it calls set()
            self.channels_seen[number] = True
            _attach(channel, self)
        message = Message()
        message.add_byte(cMSG_CHANNEL_OPEN)
        message.add_string("session")
        for field in (number, WINDOW_BYTES, PACKET_BYTES):
            message.add_int(field)
        self._send_user_message(message)
        return opening

    def _parse_channel_open_failure(self, message: Message) -> None:
        """Keep a session's refusal with its opening; Paramiko notes it as what ended the line."""
        number, reason = message.get_int(), message.get_int()
        opening = self.channel_events.get(number)
        if isinstance(opening, Opening):
            del self.channel_events[number]
            self._channels.delete(number)
            opening.refuse(reason, message.get_binary().decode(errors="replace"))
        else:
            message.rewind()
            super()._parse_channel_open_failure(message)  # type: ignore[misc]

    def watch(self, session: SessionChannel) -> None:
        """Read from now on what the server sends about `session`, which is in use."""
        self.sessions[session.channel.chanid] = session

    def send_about(self, channel: paramiko.Channel, payloads: Iterable[bytes]) -> None:
        """Send messages about `channel` at once, as soon as no keys are being exchanged.

        What waited until the channel was closed is dropped: the server may have forgotten it, and
        would end the connection. Raises EOFError on a dead line.
        """
        if threading.current_thread() is self:  # which does not wait, but holds back
            for payload in payloads:
                self._send_user_message(Message(payload))
            return
        while True:
            self.clear_to_send.wait(0.1)
            with self.clear_to_send_lock:  # under which CLOSE is sent, too, after `closed` is set
                if not self.is_active():
                    raise EOFError
                if self.clear_to_send.is_set():
                    if not channel.closed:
                        self.packetizer.send_payloads(payloads)
                    return

    def _take_data(self, message: memoryview) -> bool:
        """Take data for a session of ours; whether it was. Everything else is left to Paramiko."""
        if len(message) < DATA_HEAD_BYTES or self._expected_packet:  # type: ignore[attr-defined]
            return False
        session = self.sessions.get(int.from_bytes(message[1:5], "big"))
        if session is None:
            return False
        stream = session.take_data(message[0], message[1:])
        if stream is not None:
            self._fed.add(stream)
        return True

    def _wake_waiting(self) -> None:
        """Have the data passed on that was taken, and wake who waits for something else.

        Only now, as this thread is about to wait: a thread that wakes while another is busy would
        stop again at once, as only one can run Python.
        """
        while self._fed:
            self._fed.pop().wake()
        while self._to_wake:
            self._to_wake.pop().set()

    def on_channel_request(self, channel: paramiko.Channel, message: Message) -> None:
        """Take each CHANNEL_REQUEST, in Paramiko's thread; read by us, then by Paramiko."""
        if channel.chanid in self.sessions:
            self.sessions[channel.chanid].take_request(message.get_remainder())
        self._paramiko_handles[MSG_CHANNEL_REQUEST](channel, message)

    def _on_answer(self, kind: int, channel: paramiko.Channel, message: Message) -> None:
        if channel.chanid in self.sessions:
            self.sessions[channel.chanid].take_answer(granted=kind == MSG_CHANNEL_SUCCESS)
        else:
            self._paramiko_handles[kind](channel, message)

    def _on_channel_close(self, channel: paramiko.Channel, message: Message) -> None:
        """Take each CHANNEL_CLOSE, in Paramiko's thread, before readers see the end."""
        session = self.sessions.pop(channel.chanid, None)
        if session is not None:
            self.last_end = time.monotonic()
            session.take_close()
        self._paramiko_handles[MSG_CHANNEL_CLOSE](channel, message)
        self.channels_seen.pop(channel.chanid - CLOSED_CHANNELS_KEPT, None)

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host-key algorithms offered, in the order given."""
        return self._host_key_algorithms

    def _verify_key(self, host_key: bytes, signature: bytes) -> None:
        """Keep the offered key or certificate, and let Paramiko see the plain key only.

        So the key that proves itself in the exchange is the one that our own reader has found.
        """
        key = read_plain_key(self.host_key_type or "", host_key, signature)
        with refusing_bad_keys():
            super()._verify_key(key, signature)  # type: ignore[misc]
        if not self.host_key_blob:
            self.host_key_blob = host_key
        elif key != plain_key(self.host_key_blob):
            raise paramiko.SSHException("the server changed its host key during the session")

    def _parse_disconnect(self, message: Message) -> None:
        message.get_int()
        self.disconnect_reason = printable(message.get_text())
        log.debug("disconnected by the peer: %s", self.disconnect_reason)

    def _log(self, level: int, msg: str | list[str], *args: object) -> None:
        for line in msg if isinstance(msg, list) else [msg]:
            log.debug("paramiko (%s): %s", logging.getLevelName(level), line, *args)


def shut_down(transport: paramiko.Transport, sock: SocketLike) -> None:
    """End a transport and the threads that it started."""
    try:
        sock.shutdown(2)  # wakes its thread at once, where close() alone takes its 0.1 s poll
    except (OSError, EOFError) as error:
        log.debug("the socket was already gone: %s", error)
    if isinstance(sock, paramiko.Channel):
        transport.packetizer.close()  # as shutdown() does not wake those who read from a channel
    if transport.is_alive():
        transport.join(
            timeout=1
        )  # it ends by itself; a socket is best closed when nobody waits in it
    transport.close()
    sock.close()
    if transport.is_alive():
        transport.join(timeout=5)
        if transport.is_alive():  # it may be waiting for an ssh-agent that does not answer
            log.info("a Paramiko thread is still busy after 5 s")


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel, on a dead line too."""
    try:
        channel.close()
    except (EOFError, OSError, paramiko.SSHException) as error:
        log.debug("no CHANNEL_CLOSE sent, the line is gone: %s", error)


def _attach(channel: paramiko.Channel, transport: paramiko.Transport) -> None:
    channel._set_transport(transport)  # type: ignore[attr-defined]  # noqa: SLF001
    channel._set_window(WINDOW_BYTES, PACKET_BYTES)  # type: ignore[attr-defined]  # noqa: SLF001
