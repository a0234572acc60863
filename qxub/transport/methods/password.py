"""Login by password (RFC 4252 section 8), changing it if the server insists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paramiko.message import Message

from qxub.transport.userauth import Failure, Further, bounded

if TYPE_CHECKING:
    from qxub.transport.methods.method import Login
    from qxub.transport.userauth import Reply

NOBODY_ANSWERED = "the password was not given"
TRY_AGAIN = "Permission denied, please try again."
SHOWN_CHARACTERS = 2_000


class Password:
    """Asks for the password, NumberOfPasswordPrompts times at most."""

    name = "password"

    def __init__(self, login: Login) -> None:
        self._login = login
        self._tries = 0

    def restart(self) -> None:
        """Count from the beginning."""
        self._tries = 0

    def attempt(self) -> Reply | None:
        """Ask once, and send it."""
        login, host = self._login, self._login.host
        if self._tries >= host.number_of_password_prompts:
            return None
        if self._tries:
            login.prompter.tell(TRY_AGAIN)
        self._tries += 1
        password = login.ask(f"{host.user}@{host.hostname}'s password: ")
        if password is None:
            self._tries = host.number_of_password_prompts
            login.account.skip(self.name, "", NOBODY_ANSWERED)
            login.account.suggest(3, "Run this at a terminal, where the password can be asked for.")
            return None
        login.account.begin(self.name)
        reply = login.conversation.request(self.name, False, password.encode())
        if isinstance(reply, Further):
            return self._change(password, reply.payload)
        if isinstance(reply, Failure) and not reply.partial:
            login.account.suggest(5, "Check the password, and User for this host in ssh_config.")
        return login.conclude(reply)

    def _change(self, old: str, payload: bytes) -> Reply | None:
        """Answer PASSWD_CHANGEREQ with a new password."""
        login = self._login
        words = Message(payload).get_binary().decode("utf-8", "replace")
        login.prompter.tell(bounded(words, SHOWN_CHARACTERS))
        name = f"{login.host.user}@{login.host.hostname}"
        new = login.ask(f"Enter {name}'s new password: ")
        again = new and login.ask(f"Retype {name}'s new password: ")
        if not new or new != again:
            login.account.end("the server asks for a new password, and none was given twice alike")
            self._tries = login.host.number_of_password_prompts
            return None
        reply = login.conversation.request(self.name, True, old.encode(), new.encode())
        return login.conclude(reply, more="with a new password")
