"""Reaching into Paramiko, which the modules paramiko_* alone do, and why each time.

Paramiko has no public way to read an exit signal, to send a signal, to tell a channel that the peer
closed from one that died with the line, to hold on to the first host key at a rekey, or to say
which host certificate was offered (it takes the key in it, and looks at nothing else). The hooks
are Transport's per-instance table of channel message handlers, four overridden methods, and three
private calls. tests/transport/test_hooks.py fails plainly when a new Paramiko changes what they
rely on.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Union

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST
from paramiko.message import Message

from qxub.transport.completion import Exited, Signalled
from qxub.transport.host_certificates import plain_key
from qxub.transport.host_key_proof import read_plain_key, refusing_bad_keys
from qxub.transport.paramiko_handshake import HandshakeTransport
from qxub.transport.translation import printable

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from qxub.transport.completion import Completion
    from qxub.transport.proxy_command import ProxySocket

log = logging.getLogger(__name__)
# Without a handler of its own, Paramiko's errors would reach stderr by logging's last resort.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

WINDOW_BYTES = 2 * 1024 * 1024
CHUNK_BYTES = 64 * 1024  # with a 2 MiB window this reads fastest: BufferedPipe copies its backlog
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


class Ending:
    """How the peer ended a channel: its exit report and its CHANNEL_CLOSE, as they arrive."""

    def __init__(self) -> None:
        self.completion: Completion | None = None
        self.closed_by_peer = False
        self.changed = threading.Event()

    def read_request(self, request: Message) -> None:
        """Note an exit-status or exit-signal request (RFC 4254 section 6.10)."""
        kind = request.get_text()
        request.get_boolean()  # want-reply, always false for these two
        if kind == "exit-status":
            self.completion = Exited(request.get_int())
        elif kind == "exit-signal":
            name, core = printable(request.get_text()), request.get_boolean()
            self.completion = Signalled(name, core, printable(request.get_text()))
        self.changed.set()

    def read_close(self) -> None:
        """Note the peer's CHANNEL_CLOSE (RFC 4254 section 5.3)."""
        self.closed_by_peer = True
        self.changed.set()


class HookedTransport(HandshakeTransport):
    """A Paramiko Transport with our settings, whose channel requests can be watched.

    Everything that it logs is logged at DEBUG: its failures are raised, so an error in the log,
    with a traceback, would be told twice.
    """

    def __init__(self, sock: SocketLike, host_key_algorithms: Iterable[str] = ()) -> None:
        super().__init__(
            sock, default_window_size=WINDOW_BYTES, disabled_algorithms=WEAK_ALGORITHMS
        )
        self._host_key_algorithms = tuple(host_key_algorithms) or PLAIN_HOST_KEY_ALGORITHMS
        self.host_key_blob = b""
        self._endings: dict[int, Ending] = {}
        self.disconnect_reason = ""
        original = self._channel_handler_table
        self._handle_request = original[MSG_CHANNEL_REQUEST]
        self._handle_close = original[MSG_CHANNEL_CLOSE]
        self._channel_handler_table: dict[int, Callable[[paramiko.Channel, Message], None]] = {
            **original,
            MSG_CHANNEL_REQUEST: self.on_channel_request,
            MSG_CHANNEL_CLOSE: self.on_channel_close,
        }

    def watch(self, channel: paramiko.Channel) -> Ending:
        """Record from now on how the peer ends `channel`."""
        return self._endings.setdefault(channel.chanid, Ending())

    def on_channel_request(self, channel: paramiko.Channel, message: Message) -> None:
        """Take each CHANNEL_REQUEST, in Paramiko's thread; read by us, then by Paramiko."""
        if channel.chanid in self._endings:
            self._endings[channel.chanid].read_request(Message(message.get_remainder()))
        self._handle_request(channel, message)

    def on_channel_close(self, channel: paramiko.Channel, message: Message) -> None:
        """Take each CHANNEL_CLOSE, in Paramiko's thread, before readers see the end."""
        ending = self._endings.pop(channel.chanid, None)
        if ending is not None:
            ending.read_close()
        self._handle_close(channel, message)

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
    transport.packetizer.complete_handshake()  # else its timer would hold up the interpreter's end


def request(channel: paramiko.Channel, kind: str, *fields: bytes | int) -> None:
    """Send a request about `channel` and wait for its answer; Ctrl-C ends the wait.

    `fields` are what the request has to say: strings, or 32-bit numbers (RFC 4254 section 6).
    Raises paramiko.SSHException when it is refused, or whatever ended the transport.
    """
    channel._event_pending()  # type: ignore[attr-defined]  # noqa: SLF001
    _send(channel, _channel_request(channel, kind, *fields, want_reply=True))
    while not channel.event.wait(0.2):  # a wait without limit ignores Ctrl-C on Windows
        pass
    channel._wait_for_event()  # type: ignore[attr-defined]  # noqa: SLF001


def notify(channel: paramiko.Channel, kind: str, *fields: bytes | int) -> None:
    """Send a request about `channel` that wants no answer."""
    _send(channel, _channel_request(channel, kind, *fields, want_reply=False))


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel, on a dead line too."""
    try:
        channel.close()
    except (EOFError, OSError, paramiko.SSHException) as error:
        log.debug("no CHANNEL_CLOSE sent, the line is gone: %s", error)


def send_exit_signal(channel: paramiko.Channel, name: str, core_dumped: bool, text: str) -> None:
    """Report, as a server, that the process died by a signal (RFC 4254 section 6.10)."""
    message = _channel_request(channel, "exit-signal", name.encode(), want_reply=False)
    message.add_boolean(core_dumped)
    message.add_string(text)
    message.add_string("")  # language tag
    _send(channel, message)


def receive(channel: paramiko.Channel, *, stderr: bool) -> bytes:
    """Take the next bytes of a stream, or b"" at its end.

    Channel.recv() drops what it has read when the line goes while it returns window; this does not.
    """
    pipe = channel.in_stderr_buffer if stderr else channel.in_buffer
    data: bytes = pipe.read(CHUNK_BYTES)
    grant = channel._check_add_window(len(data))  # type: ignore[attr-defined]  # noqa: SLF001
    if grant > 0:
        message = Message()
        message.add_byte(bytes([paramiko.common.MSG_CHANNEL_WINDOW_ADJUST]))
        message.add_int(channel.remote_chanid)
        message.add_int(grant)
        try:
            _send(channel, message)
        except (EOFError, OSError, paramiko.SSHException) as error:
            log.debug("no window returned, the line is gone: %s", error)
    return data


def _channel_request(
    channel: paramiko.Channel, kind: str, *fields: bytes | int, want_reply: bool
) -> Message:
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


def _send(channel: paramiko.Channel, message: Message) -> None:
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]  # noqa: SLF001
