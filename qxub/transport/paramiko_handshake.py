"""How Paramiko shakes hands with a server, where that is not what OpenSSH does, and why each time.

Paramiko gives each line before the version 2 s and no limit in length, dies with a KeyError of a
message that it does not know, does not say what a server offered when nothing is shared, insists on
a MAC that is not used, waits for itself when a channel ends while keys are exchanged anew, and runs
into Nagle's algorithm after each login.
tests/transport/test_handshake_hooks.py fails plainly when a new Paramiko changes what this relies
on.
"""

from __future__ import annotations

import logging
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_NAMES,
    cMSG_GLOBAL_REQUEST,
    cMSG_IGNORE,
    cMSG_UNIMPLEMENTED,
)
from paramiko.message import Message

from qxub.transport.paramiko_packets import Packetizer, take_data
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qxub.transport.paramiko_hooks import SocketLike

log = logging.getLogger(__name__)

MAX_LINES_BEFORE_VERSION = 1024
"""OpenSSH's SSH_MAX_PRE_BANNER_LINES"""

OFFERS = {
    "kexalgorithms": ("kex_algo_list",),
    "hostkeyalgorithms": ("server_key_algo_list",),
    "ciphers": ("client_encrypt_algo_list", "server_encrypt_algo_list"),
    "macs": ("client_mac_algo_list", "server_mac_algo_list"),
}
"""keyword of ssh_config → the lists of the server's KEXINIT (RFC 4253 section 7.1)"""

PREFERRED = {
    "kexalgorithms": "_preferred_kex",
    "ciphers": "_preferred_ciphers",
    "macs": "_preferred_macs",
    "pubkeyacceptedalgorithms": "_preferred_pubkeys",
}
"""keyword of ssh_config → where Paramiko keeps our list"""


class NoSharedAlgorithmError(paramiko.ssh_exception.IncompatiblePeer):
    """The server and we can do no algorithm in common, of the kind of `keyword`."""

    def __init__(self, keyword: str, theirs: tuple[str, ...], ours: tuple[str, ...]) -> None:
        super().__init__(f"no algorithm of {keyword} in common")
        self.keyword = keyword
        self.theirs = theirs
        self.ours = ours


def acknowledgement() -> Message:
    """Give a message that means nothing (RFC 4253 section 11.2), to be sent when one has come.

    By Nagle's algorithm, which sshd leaves on until a command starts, a server's next message waits
    until the last one is acknowledged: 40 ms on Linux, up to 200 ms on Windows, unless something of
    ours carries the acknowledgement.
    """
    message = Message()
    message.add_byte(cMSG_IGNORE)
    message.add_string("")
    return message


class HandshakeTransport(paramiko.Transport):
    """A Transport whose handshake is as OpenSSH's; `offer` before it starts."""

    packetizer: Packetizer  # type: ignore[assignment]

    def __init__(self, sock: SocketLike, **settings: object) -> None:
        super().__init__(sock, packetizer_class=Packetizer, **settings)  # type: ignore[arg-type]
        self.first_line = ""
        self.why_line_ended: Callable[[], str] = str  # which gives ""
        self._disconnect_reason = ""
        self._held: list[Message] = []
        unknown = [kind for kind in range(1, 256) if kind not in MSG_NAMES]
        self._handler_table: dict[int, Callable[[Message], None]] = {
            **self._handler_table,
            **{kind: partial(self._not_known, kind) for kind in unknown},
        }
        table = self._channel_handler_table
        self._channel_handler_table: dict[int, Callable[[paramiko.Channel, Message], None]] = {
            **table,
            MSG_CHANNEL_DATA: partial(take_data, table[MSG_CHANNEL_DATA], 0),
            MSG_CHANNEL_EXTENDED_DATA: partial(take_data, table[MSG_CHANNEL_EXTENDED_DATA], 4),
        }

    @property
    def disconnect_reason(self) -> str:
        """Why the connection ended, as far as the peer, the line or we ourselves have said."""
        return self._disconnect_reason or self.why_line_ended()

    @disconnect_reason.setter
    def disconnect_reason(self, words: str) -> None:
        self._disconnect_reason = words

    def offer(self, algorithms: Mapping[str, tuple[str, ...]], *, compression: bool) -> None:
        """Offer these algorithms, by keyword of ssh_config, and zlib@openssh.com if asked for.

        Host-key algorithms are given to the constructor. Paramiko's list stays for what is missing;
        what it cannot do here, such as mlkem with an old cryptography library, is left out.
        """
        for keyword, field in PREFERRED.items():
            if names := algorithms.get(keyword):
                possible = getattr(paramiko.Transport, field)
                setattr(self, field, tuple(name for name in names if name in possible))
        if compression:
            self._preferred_compression = ("zlib@openssh.com", "none")

    def limit_keys(self, count: int) -> None:
        """Exchange keys anew after `count` bytes in either direction (RFC 4253 section 9)."""
        self.packetizer.REKEY_BYTES = count

    def renew_keys(self) -> None:
        """Exchange keys anew, soon; this does not wait for it."""
        self.packetizer.renew_keys()

    def probe(self) -> None:
        """Send what any server must answer (RFC 4254 section 4); this does not wait for it.

        Blocks while the line takes nothing. Raises SSHException, OSError or EOFError.
        """
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string("keepalive@openssh.com")
        message.add_boolean(True)
        self._send_user_message(message)

    def give_up(self, reason: str) -> None:
        """End the connection, from a thread of its own; whoever waits on it is told the reason."""
        self.disconnect_reason = reason
        if not isinstance(self.sock, paramiko.Channel):  # whose shutdown() wakes nobody
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                log.debug("the socket was already gone: %s", error)
            self.join(timeout=1)  # on Windows, too, shutdown() may wake nobody
        self.packetizer.close()

    def _check_banner(self) -> None:
        """Read the server's version (RFC 4253 section 4.2). Raises SSHException."""
        for _ in range(MAX_LINES_BEFORE_VERSION):
            line = self.packetizer.readline(0)
            if line.startswith("SSH-"):
                break
            self.first_line = self.first_line or line
        else:
            raise paramiko.SSHException(f"{MAX_LINES_BEFORE_VERSION} lines came before a version")
        self.remote_version = line
        version = line.split("-", 2)[1]
        if version not in {"2.0", "1.99"}:
            words = f"Incompatible version ({printable(version)} instead of 2.0)"
            raise paramiko.ssh_exception.IncompatiblePeer(words)

    def _parse_kex_init(self, message: Message) -> None:
        if not self.server_mode:
            self._check_shared(self._really_parse_kex_init(Message(message.get_remainder())))  # type: ignore[attr-defined]
        super()._parse_kex_init(message)  # type: ignore[misc]

    def _check_shared(self, theirs: Mapping[str, list[str]]) -> None:
        """Raise NoSharedAlgorithmError for the first kind of which nothing is shared."""
        for keyword, names_of_lists in OFFERS.items():
            for direction, name in enumerate(names_of_lists):
                ours = self._offered(keyword)
                if any(algorithm in theirs[name] for algorithm in ours):
                    continue
                if keyword == "macs" and self._needs_no_mac(theirs, direction):
                    self._pretend_mac(theirs[name][0])
                    continue
                raise NoSharedAlgorithmError(keyword, tuple(theirs[name]), ours)

    def _offered(self, keyword: str) -> tuple[str, ...]:
        offered = {
            "kexalgorithms": self.preferred_kex,
            "hostkeyalgorithms": self.preferred_keys,
            "ciphers": self.preferred_ciphers,
            "macs": self.preferred_macs,
        }
        return tuple(offered[keyword])

    def _needs_no_mac(self, theirs: Mapping[str, list[str]], direction: int) -> bool:
        """Whether the cipher that is agreed on authenticates by itself (RFC 5647)."""
        list_of_ciphers = theirs[OFFERS["ciphers"][direction]]
        agreed = next(name for name in self.preferred_ciphers if name in list_of_ciphers)
        return bool(self._cipher_info[agreed].get("is_aead"))  # type: ignore[attr-defined]

    def _pretend_mac(self, name: str) -> None:
        """Let Paramiko agree on a MAC that will not be used; it insists, where OpenSSH does not."""
        known = paramiko.Transport._mac_info  # type: ignore[attr-defined]  # noqa: SLF001
        self._mac_info = {name: known["hmac-sha2-256"], **known}
        self._preferred_macs = (*self.preferred_macs, name)

    def _send_user_message(self, message: Message) -> None:
        """Send, but hold back what our own thread has to say while keys are exchanged anew.

        It would wait for the end of the exchange, which it is itself to bring about.
        """
        if threading.current_thread() is self and not self.clear_to_send.is_set():
            self._held.append(message)
        else:
            super()._send_user_message(message)  # type: ignore[misc]

    def _parse_newkeys(self, message: Message) -> None:
        super()._parse_newkeys(message)  # type: ignore[misc]
        held, self._held = self._held, []
        for one in held:
            self._send_user_message(one)

    def _parse_global_request(self, message: Message) -> None:
        """Take a request, and send something back even where no answer is wanted.

        sshd announces its host keys after login, and its next message is the answer to our first
        request.
        """
        super()._parse_global_request(message)  # type: ignore[misc]
        self._send_user_message(acknowledgement())

    def _not_known(self, kind: int, message: Message) -> None:
        """Answer a message of a kind that we do not know (RFC 4253 section 11.4)."""
        log.debug("message of unknown kind %d", kind)
        answer = Message()
        answer.add_byte(cMSG_UNIMPLEMENTED)
        answer.add_int(message.seqno)
        self._send_message(answer)  # type: ignore[attr-defined]
