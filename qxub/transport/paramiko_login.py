"""Logging in outside Paramiko's own thread, which it has no public way for.

The hook is Transport's handler of login messages, and one private call.
"""

from __future__ import annotations

import functools
import queue
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from paramiko.message import Message

LOGIN_MESSAGES = 32
"""how many may be waiting: a server sends one for each of ours, and some banners"""
LOGIN_MESSAGE_NUMBERS = (6, 51, 52, 53, 60)
"""SERVICE_ACCEPT; USERAUTH_FAILURE, SUCCESS, BANNER; and what 60 means to the method in use"""


class LoginMessages:
    """Stands in for Paramiko's AuthHandler: hands the login's messages to the thread that logs in.

    Paramiko's own answers in its thread, so that a person who is slow to answer holds up everything
    else; it forgets which methods a server would still accept, and all banners but the last.
    Nothing but USERAUTH_SUCCESS is acted on here: what follows it may be compressed.
    """

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._arrived: queue.Queue[tuple[int, bytes]] = queue.Queue(LOGIN_MESSAGES)
        self._authenticated = False
        self._handler_table = {
            number: functools.partial(self._take, number) for number in LOGIN_MESSAGE_NUMBERS
        }
        transport.auth_handler = self  # type: ignore[assignment] # it has what Transport uses of it

    @property
    def session_id(self) -> bytes:
        """The hash of the first key exchange (RFC 4253 section 7.2), which keys sign."""
        return bytes(self._transport.session_id or b"")

    @property
    def will_compress(self) -> bool:
        """Whether all that follows USERAUTH_SUCCESS is compressed: by the server's own clock."""
        return self._transport.local_compression == "zlib@openssh.com"

    def server_extension(self, name: str) -> bytes:
        """Give what the server has said in EXT_INFO (RFC 8308); nothing, where it has not."""
        return bytes(self._transport.server_extensions.get(name, b""))  # type: ignore[attr-defined]

    def send(self, message: Message) -> None:
        """Send a message of the login. Raises what ended the transport."""
        self._transport._send_user_message(message)  # type: ignore[attr-defined]  # noqa: SLF001

    def receive(self, seconds: float) -> tuple[int, bytes] | None:
        """Wait for the next message: its number and the rest. None: not yet, or never.

        Raises EOFError when the line is dead, or whatever ended the transport.
        """
        alive = self._transport.is_active()  # asked first: its last message may be in the queue
        try:
            return self._arrived.get(timeout=seconds if alive else 0)
        except queue.Empty:
            if alive:
                return None
        raise self._transport.get_exception() or EOFError

    def is_authenticated(self) -> bool:
        """Whether the server has let us in; Transport.is_authenticated() asks here."""
        return self._authenticated

    def abort(self) -> None:
        """Do nothing: Transport calls this when it ends, which `receive` sees by itself."""

    def _take(self, number: int, message: Message) -> None:
        if self._authenticated:
            return  # to be ignored (RFC 4252 section 5.1, on requests after success)
        if number == paramiko.common.MSG_USERAUTH_SUCCESS:
            self._authenticated = True
            self._transport._auth_trigger()  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            self._arrived.put_nowait((number, message.get_remainder()))
        except queue.Full:
            raise paramiko.SSHException("the server floods the login with messages") from None
