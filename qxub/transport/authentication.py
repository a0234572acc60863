"""Logging in (RFC 4252): one method after the other, driven by what the server says to each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from qxub.transport.account import Account
from qxub.transport.errors import ConnectError, ConnectionLost, TransportError
from qxub.transport.methods.keyboard_interactive import KeyboardInteractive
from qxub.transport.methods.method import Login
from qxub.transport.methods.password import Password
from qxub.transport.methods.publickey import PublicKey
from qxub.transport.prompter import NOBODY, Muted
from qxub.transport.userauth import Conversation, Failure, LoginEnded, Success

if TYPE_CHECKING:
    from qxub.transport.host_config import HostConfig
    from qxub.transport.methods.method import Method
    from qxub.transport.paramiko_hooks import HookedTransport
    from qxub.transport.prompter import Prompter
    from qxub.transport.userauth import Reply

log = logging.getLogger(__name__)

DEFAULT_ORDER = ("publickey", "keyboard-interactive", "password")
"""ssh(1)'s, without the two that this client cannot do: gssapi-with-mic and hostbased"""
_SILENT = ("QUIET", "FATAL", "ERROR")
"""the values of LogLevel at which ssh(1) shows no banner"""
_TOO_LATE = (
    "Servers wait for an answer for some minutes only: have the password or code at hand, "
    "and try again."
)
MAX_STEPS = 8
"""how many steps a server may accept and still ask for another"""


def authenticate(
    transport: HookedTransport, host: HostConfig, deadline: float, prompter: Prompter
) -> None:
    """Log in as `host.user`, before `deadline` on the monotonic clock.

    The time that a person takes to answer does not count. Raises AuthenticationError with all
    attempts; ConnectError or ConnectionLost where the login broke off without a word.
    """
    if host.batch_mode:
        prompter = Muted(prompter)
    banner_reader = NOBODY if host.log_level in _SILENT else prompter
    conversation = Conversation(transport, host.user, deadline, banner_reader)
    login = Login(host, conversation, prompter, Account(host))
    key_login = PublicKey(login)
    methods: list[Method] = [key_login, KeyboardInteractive(login), Password(login)]
    try:
        _Loop(login, {method.name: method for method in methods}).run()
    finally:
        key_login.close()


class _Loop:
    """Methods in the order of preference; each is left when it has nothing more to try."""

    def __init__(self, login: Login, methods: dict[str, Method]) -> None:
        self._login = login
        self._account = login.account
        wanted = login.host.preferred_authentications or DEFAULT_ORDER
        off = _switched_off(login.host)
        self._methods = [methods[name] for name in wanted if name in methods and name not in off]
        self._off = {
            name: off.get(name)
            or f"PreferredAuthentications{self._account.origin('preferredauthentications')}"
            for name in DEFAULT_ORDER
            if name in off or name not in wanted
        }
        self._left = list(self._methods)
        self._steps = 0

    def run(self) -> None:
        """Go on until the server lets us in. Raises as `authenticate`."""
        try:
            self._go_on(*self._begin())
        except LoginEnded as error:
            raise self._broken_off(error) from error

    def _begin(self) -> tuple[Method | None, Reply]:
        """Request "none", to which the server answers with its methods (RFC 4252 section 5.2).

        A key goes with it where nothing but a key could let us in. Gives the last reply, and the
        method that it is about.
        """
        conversation = self._login.conversation
        conversation.begin()
        conversation.send_request("none")
        key_login = self._only_way_in()
        verdict = key_login.send_ahead() if key_login else None
        reply = conversation.reply()
        if verdict is None or not isinstance(reply, Failure):
            return None, reply
        self._account.methods = reply.methods
        return key_login, verdict()

    def _only_way_in(self) -> PublicKey | None:
        """Give the login by key, if no other can be: the rest is not wanted, or asks a person.

        Else a server that takes no keys yet would count one for a failure (docs/decisions/0009).
        """
        first = self._methods[0] if self._methods else None
        others_may = len(self._methods) > 1 and self._login.prompter is not NOBODY
        return first if isinstance(first, PublicKey) and not others_may else None

    def _go_on(self, current: Method | None, reply: Reply) -> None:
        while not isinstance(reply, Success):
            if not isinstance(reply, Failure):
                raise LoginEnded("the server answers with a message that belongs to no request")
            self._account.methods = reply.methods
            if reply.partial and current is not None:
                self._step_done(current)
            current, reply = self._next_attempt(reply)
        log.debug("logged in by %s", current.name if current else "no method at all")

    def _step_done(self, method: Method) -> None:
        """Start afresh: the server asks for a further step. That is not being let in."""
        self._account.accepted.append(method.name)
        self._account.hints.clear()  # which were about the step that is done
        self._steps += 1
        if self._steps >= MAX_STEPS:
            raise LoginEnded(f"the server has accepted {self._steps} steps, and asks for more")
        self._left = list(self._methods)
        for other in self._methods:
            other.restart()

    def _next_attempt(self, last: Failure) -> tuple[Method, Reply]:
        """Try the most preferred method that the server would accept and that is not used up."""
        while True:
            usable = [method for method in self._left if method.name in last.methods]
            if not usable:
                raise self._refusal()
            reply = usable[0].attempt()
            if reply is not None:
                return usable[0], reply
            self._left.remove(usable[0])

    def _refusal(self) -> TransportError:
        account, wanted = self._account, self._account.methods
        for name in wanted:
            if name in self._off:
                account.skip(name, "", f"switched off by {self._off[name]}")
        off = [name for name in wanted if name in self._off]
        if off and not any(method.name in wanted for method in self._methods):
            account.suggest(0, f"The server asks for {off[0]}: change {self._off[off[0]]}.")
        elif wanted and not set(wanted) & set(DEFAULT_ORDER):
            account.suggest(0, f"This client has no way to log in by {', '.join(wanted)}.")
        elif wanted == ("publickey",) and not account.attempts:
            account.suggest(
                0,
                "The server only takes keys, and there is none here. Name yours with "
                "IdentityFile for this host in ssh_config, or make one and give the site its "
                "public half.",
            )
        return account.refusal()

    def _broken_off(self, error: LoginEnded) -> TransportError:
        account, host = self._account, self._login.host
        reason = str(error)
        account.end(reason)
        if error.is_verdict and account.attempts:
            return account.refusal(ended=reason)
        if not account.attempts:
            message = f"{host.alias}: the server ended the session before login: {reason}"
            return ConnectError(message, host=host.alias)
        lines = [f"  {attempt}" for attempt in account.attempts]
        message = f"{host.alias}: the login broke off: {reason}"
        hint = _TOO_LATE if self._login.questions else ""
        return ConnectionLost("\n".join([message, *lines]), hint=hint, host=host.alias)


def _switched_off(host: HostConfig) -> dict[str, str]:
    """Say for each method that the configuration switches off which setting does so."""
    settings = {
        "publickey": (host.pubkey_authentication, "PubkeyAuthentication"),
        "keyboard-interactive": (
            host.kbd_interactive_authentication,
            "KbdInteractiveAuthentication",
        ),
        "password": (host.password_authentication, "PasswordAuthentication"),
    }
    account = Account(host)
    off = {
        name: f"{keyword} no{account.origin(keyword.lower())}"
        for name, (on, keyword) in settings.items()
        if not on
    }
    if host.batch_mode:
        reason = f"BatchMode yes{account.origin('batchmode')}, under which nothing is asked"
        off.update({name: off.get(name, reason) for name in DEFAULT_ORDER[1:]})
    return off
