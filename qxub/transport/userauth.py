"""The login conversation with a server (RFC 4252), in the thread of the one who logs in."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

import paramiko
from paramiko.common import (
    MSG_SERVICE_ACCEPT,
    MSG_SERVICE_REQUEST,
    MSG_USERAUTH_BANNER,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_REQUEST,
    MSG_USERAUTH_SUCCESS,
)
from paramiko.message import Message

from qxub.transport.paramiko_handshake import acknowledgement
from qxub.transport.paramiko_login import LoginMessages
from qxub.transport.translation import describe, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport.paramiko_hooks import HookedTransport
    from qxub.transport.prompter import Prompter

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""a wait without limit would ignore Ctrl-C on Windows"""
PERSON_SECONDS = 300.0
"""how long a server may take after an answer of a person's: it may be waiting for a telephone"""
BANNER_CHARACTERS = 16_384
"""how much is shown of all banners of one login"""
METHODS_CHARACTERS = 1_000


class LoginEnded(Exception):  # noqa: N818 - says what is so
    """The login cannot go on: the server hung up, broke the protocol, or took too long.

    `is_verdict`: it was given up for a reason, the server's or ours; not just lost.
    """

    def __init__(self, reason: str, *, is_verdict: bool = True) -> None:
        super().__init__(reason)
        self.is_verdict = is_verdict


@dataclass(frozen=True)
class Success:
    """USERAUTH_SUCCESS: we are in."""


@dataclass(frozen=True)
class Failure:
    """USERAUTH_FAILURE: the methods that can continue, and whether the last step was accepted.

    With `partial`, the server asks for a further method: that is not being let in.
    """

    methods: tuple[str, ...]
    partial: bool = False


@dataclass(frozen=True)
class Further:
    """Message 60, whose meaning is the method's: PK_OK, INFO_REQUEST, or PASSWD_CHANGEREQ."""

    payload: bytes


Reply = Union[Success, Failure, Further]


class Conversation:
    """Requests and replies. Raises LoginEnded when it cannot go on."""

    def __init__(
        self, transport: HookedTransport, user: str, deadline: float, prompter: Prompter
    ) -> None:
        self._transport = transport
        self._user = user
        self._deadline = deadline
        self._prompter = prompter
        self._messages = LoginMessages(transport)
        self.session_id = self._messages.session_id
        self._banner_left = BANNER_CHARACTERS
        self._service_accepted = False
        self._replies_to_come = 0

    @property
    def server_signature_algorithms(self) -> tuple[str, ...]:
        """What the server verifies, by "server-sig-algs" (RFC 8308 3.1); empty: not said."""
        said = self._messages.server_extension("server-sig-algs")
        return tuple(filter(None, said.decode("ascii", "replace").split(",")))

    def begin(self) -> None:
        """Ask for the service, and do not wait: that it is accepted is read with the first reply.

        Raises LoginEnded, as all methods that send.
        """
        message = Message()
        message.add_byte(bytes([MSG_SERVICE_REQUEST]))
        message.add_string("ssh-userauth")
        self._send(message)

    def request(self, method: str, *fields: bytes | bool) -> Reply:
        """Ask to be let in by a method, with its fields (RFC 4252 section 5)."""
        self.send_request(method, *fields)
        return self.reply()

    def send_request(self, method: str, *fields: bytes | bool) -> None:
        """Ask the same, and do not wait; `reply` gives the replies in the order of the requests."""
        self._send(self.request_message(method, *fields))

    def request_message(self, method: str, *fields: bytes | bool) -> Message:
        """Give a USERAUTH_REQUEST, the end of which is also what a key signs."""
        message = Message()
        message.add_byte(bytes([MSG_USERAUTH_REQUEST]))
        for text in (self._user, "ssh-connection", method):
            message.add_string(text)
        for field in fields:
            if isinstance(field, bool):
                message.add_boolean(field)
            else:
                message.add_string(field)
        return message

    def respond(self, message: Message) -> Reply:
        """Send a method's own message."""
        self._send(message)
        return self.reply()

    @contextlib.contextmanager
    def clock_stands_still(self) -> Iterator[None]:
        """Do not count the time that a person takes in this block."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._deadline += time.monotonic() - begun

    def have_patience(self) -> None:
        """Give the server time for what it may ask of the person by itself, elsewhere."""
        self._deadline = max(self._deadline, time.monotonic() + PERSON_SECONDS)

    def reply(self) -> Reply:
        """Wait for the reply to a request, showing banners as they come."""
        if not self._service_accepted:
            self._await_service()
        number, payload = self._receive()
        if number == MSG_USERAUTH_SUCCESS:
            return Success()
        if number == MSG_USERAUTH_FAILURE:
            return _read_failure(Message(payload))
        if number == MSG_SERVICE_ACCEPT:
            raise LoginEnded("the server accepts the login service again")
        return Further(payload)

    def _await_service(self) -> None:
        number, _ = self._receive()
        if number != MSG_SERVICE_ACCEPT:
            raise LoginEnded(f"message {number} came where the login service should be accepted")
        self._service_accepted = True

    def _send(self, message: Message) -> None:
        self._replies_to_come += 1
        try:
            self._messages.send(message)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._ended(error) from error

    def _receive(self) -> tuple[int, bytes]:
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise LoginEnded("the server did not answer in time", is_verdict=False)
            try:
                arrived = self._messages.receive(min(POLL_SECONDS, left))
            except Exception as error:  # whatever ended Paramiko's thread: see translation
                raise self._ended(error) from error
            if arrived is None:
                continue
            if arrived[0] == MSG_USERAUTH_BANNER:
                self._show_banner(Message(arrived[1]).get_binary())
                continue
            self._replies_to_come -= 1
            if self._replies_to_come > 0 and not self._messages.will_compress:
                self._acknowledge()
            return arrived

    def _acknowledge(self) -> None:
        try:
            self._messages.send(acknowledgement())
        except (paramiko.SSHException, OSError, EOFError) as error:
            log.debug("no acknowledgement sent, the line is gone: %s", error)  # read what has come

    def _show_banner(self, banner: bytes) -> None:
        """Show what RFC 4252 section 5.4 calls a banner, as far as the limit allows."""
        if self._banner_left <= 0:
            return
        text = banner.decode("utf-8", "replace").replace("\r\n", "\n")
        shown, self._banner_left = bounded(text, self._banner_left), self._banner_left - len(text)
        self._prompter.tell(shown)

    def _ended(self, error: Exception) -> LoginEnded:
        said = self._transport.disconnect_reason
        return LoginEnded(said or describe(error), is_verdict=bool(said))


def bounded(text: str, limit: int) -> str:
    """Make a server's text fit to be shown: lines stay, control characters are made visible."""
    cut = f"\n[{len(text) - limit} more characters not shown]" if len(text) > limit else ""
    return "\n".join(printable(line) for line in text[:limit].split("\n")) + cut


def _read_failure(message: Message) -> Failure:
    names = message.get_binary()[:METHODS_CHARACTERS].decode("ascii", "replace")
    methods = tuple(printable(name) for name in names.split(",") if name)
    return Failure(methods, message.get_boolean())
