"""Logging in with keys (RFC 4252), in OpenSSH's order, keeping account of every attempt."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko

from qxub.transport.errors import Attempt, AuthenticationError, ConnectError, ConnectionLost
from qxub.transport.keys import (
    AgentKeys,
    KeyUnusableError,
    PassphraseNeededError,
    load_private_key,
    public_blob,
)
from qxub.transport.known_hosts import fingerprint
from qxub.transport.translation import describe, translated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_hooks import HookedTransport
    from qxub.transport.prompter import Prompter


PASSPHRASE_TRIES = 3
"""as ssh(1) asks"""


def authenticate(
    transport: HookedTransport, host: HostConfig, deadline: float, prompter: Prompter
) -> None:
    """Log in as `host.user`, before `deadline` on the monotonic clock.

    The time that a person takes to answer does not count. Raises AuthenticationError with all
    attempts, or ConnectionLost.
    """
    _Login(transport, host, deadline, prompter).run()


@dataclass
class _Login:
    transport: HookedTransport
    host: HostConfig
    deadline: float
    prompter: Prompter
    attempts: list[Attempt] = field(default_factory=list)
    methods: tuple[str, ...] = ()
    tried: set[bytes] = field(default_factory=set)

    def run(self) -> None:
        self._ask_for_methods()
        if not self.transport.is_authenticated() and "publickey" in self.methods:
            self._try_keys()
        if not self.transport.is_authenticated():
            raise self._refusal()

    def _ask_for_methods(self) -> None:
        """Request "none", to which the server answers with its methods (RFC 4252 section 5.2)."""
        self._limit_time()
        with translated(self.host.alias, "asking for login methods", ConnectionLost):
            try:
                self.methods = tuple(self.transport.auth_none(self.host.user))
            except paramiko.BadAuthenticationType as error:
                self.methods = tuple(error.allowed_types)
            except paramiko.AuthenticationException as error:
                reason = self._reason(error)
                raise ConnectError(
                    f"{self.host.alias}: the server ended the session before login: {reason}",
                    host=self.host.alias,
                ) from error

    def _try_keys(self) -> None:
        """Agent keys named by IdentityFile, then other agent keys, then files, as OpenSSH does."""
        with AgentKeys(self.host.identity_agent) as agent:
            if agent.problem:
                self._note("agent", "", "ssh-agent not used: " + agent.problem)
            if self._offer_agent_keys(agent.keys):
                return
            for file in self.host.identity_files:
                if self._offer_file(file):
                    return

    def _offer_agent_keys(self, keys: Iterable[paramiko.AgentKey]) -> bool:
        keys = list(keys)
        if not keys:
            return False
        configured = [public_blob(file) for file in self.host.identity_files]
        if self.host.identities_only:
            keys = [key for key in keys if key.asbytes() in configured]
        keys.sort(key=lambda key: key.asbytes() not in configured)
        return any(self._offer(key, f"agent key {key.comment!r}") for key in keys)

    def _offer_file(self, file: Path) -> bool:
        try:
            key = self._load(file)
        except KeyUnusableError as error:
            self._note(str(file), "", f"skipped: {error}")
            return False
        return self._offer(key, str(file))

    def _load(self, file: Path) -> paramiko.PKey:
        passphrase = None
        for _ in range(PASSPHRASE_TRIES):
            try:
                return load_private_key(file, passphrase)
            except PassphraseNeededError:
                begun = time.monotonic()
                answer = self.prompter.ask(f"Passphrase for {file}: ", echo=False)
                self.deadline += time.monotonic() - begun
                if answer is None:
                    raise
                passphrase = answer.encode()
        return load_private_key(file, passphrase)

    def _offer(self, key: paramiko.PKey, name: str) -> bool:
        """Try one key. True ends the search: we are in, or no further key can help."""
        blob = key.asbytes()
        if blob in self.tried:
            return False
        self.tried.add(blob)
        print_of_key = fingerprint(blob)
        self._limit_time()
        try:
            remaining = self.transport.auth_publickey(self.host.user, key)
        except paramiko.BadAuthenticationType as error:
            self.methods = tuple(error.allowed_types)
            self._note(name, print_of_key, "refused")
            return "publickey" not in self.methods
        except paramiko.AuthenticationException as error:
            alive = self.transport.is_active()
            self._note(name, print_of_key, "refused" if alive else self._reason(error))
            return not alive
        except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
            # the agent may fail to sign; if it was the line, the transport is dead as well
            self._note(name, print_of_key, self._reason(error))
            return not self.transport.is_active()
        if self.transport.is_authenticated():
            return True
        self.methods = tuple(remaining)  # partial success (RFC 4252 section 5.1): not let in yet
        self._note(name, print_of_key, "accepted, and the server asks for a further method")
        return "publickey" not in self.methods

    def _reason(self, error: Exception) -> str:
        return self.transport.disconnect_reason or describe(error)

    def _limit_time(self) -> None:
        self.transport.auth_timeout = max(0.1, self.deadline - time.monotonic())

    def _note(self, name: str, print_of_key: str, answer: str) -> None:
        self.attempts.append(Attempt("publickey", name, print_of_key, answer))

    def _refusal(self) -> AuthenticationError:
        methods = ", ".join(self.methods) or "none that it named"
        lines = [f"  {attempt}" for attempt in self.attempts] or ["  no key could be tried"]
        return AuthenticationError(
            f"{self.host.alias}: {self.host.hostname} did not let {self.host.user} in "
            f"(it would accept: {methods})\n" + "\n".join(lines),
            attempts=tuple(self.attempts),
            methods=self.methods,
            hint=self._hint(),
            host=self.host.alias,
        )

    def _hint(self) -> str:
        if "publickey" not in self.methods:
            return "This client can only log in with keys so far; the server asks for another way."
        if any("passphrase" in attempt.answer for attempt in self.attempts):
            return "Run this at a terminal to be asked for it, or add the key to ssh-agent."
        return (
            "Check User and IdentityFile for this host in ssh_config, "
            "and that the site has the public key."
        )
