"""Login by public key (RFC 4252 section 7), in OpenSSH's order of keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from paramiko.message import Message

from qxub.transport.agents.client import open_agent, where
from qxub.transport.agents.stream import AgentError
from qxub.transport.blobs import write_string
from qxub.transport.identities import AgentIdentity, FileIdentity, collect
from qxub.transport.key_errors import KeyUnusableError, PassphraseNeededError
from qxub.transport.known_hosts import fingerprint
from qxub.transport.public_keys import plain_blob
from qxub.transport.signature_algorithms import choose_algorithm
from qxub.transport.userauth import Failure, Further, LoginEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from qxub.transport.agents.client import Agent
    from qxub.transport.identities import Identity
    from qxub.transport.methods.method import Login
    from qxub.transport.userauth import Reply


class PublicKey:
    """Offers one key after the other. `close` ends the connection to the agent."""

    name = "publickey"

    def __init__(self, login: Login) -> None:
        self._login = login
        self._agent: Agent | None = None
        self._identities: list[Identity] | None = None
        self._offered: set[bytes] = set()
        self._accepted: set[bytes] = set()
        self._skipped: set[Identity] = set()

    def restart(self) -> None:
        """Allow again what was refused, for another step; a key counts for one step only."""
        self._offered = set(self._accepted)

    def close(self) -> None:
        """Close the connection to the agent."""
        if self._agent is not None:
            self._agent.close()

    def attempt(self) -> Reply | None:
        """Offer the next key."""
        for identity in self._all():
            try:
                reply = self._offer(identity)
            except KeyUnusableError as error:
                self._leave(identity, error)
            else:
                if reply is not None:
                    return reply
        return None

    def send_ahead(self) -> Callable[[], Reply] | None:
        """Send the first key, signed, before the server has said whether it takes keys.

        Only a key that ssh_config names, for which nobody's help is needed to sign, nor the
        server's word by which algorithm. Gives what waits for the verdict, to be called when the
        server has said what it takes; None, where nothing was sent.
        """
        login = self._login
        if "identityfile" not in login.host.origins or login.host.compression:
            return None  # what comes after "none" has let us in would have to be compressed
        identity = next(iter(self._all()), None)
        if identity is None or not identity.is_ready or identity.blob is None:
            return None
        server_takes = login.conversation.server_signature_algorithms
        try:
            algorithm = choose_algorithm(login.host, identity.blob, server_takes)
            if algorithm.startswith("rsa-") and not server_takes:
                return None
            self._send_signed(identity, identity.blob, algorithm)
        except KeyUnusableError:
            return None  # attempt() will say so, if the server takes keys
        self._offered.add(identity.blob)
        return partial(self._verdict_on_ahead, identity, identity.blob)

    def _verdict_on_ahead(self, identity: Identity, blob: bytes) -> Reply:
        login, account = self._login, self._login.account
        account.begin(self.name, identity.label, fingerprint(plain_blob(blob)))
        is_taken = self.name in account.methods
        if not is_taken:
            order = ",".join([*account.methods, self.name])
            account.suggest(
                7,
                "A key was sent ahead, and the server takes none at this step. With "
                f"PreferredAuthentications {order} for this host in ssh_config none is.",
            )
        reply = login.conversation.reply()
        if isinstance(reply, Failure) and not (reply.partial or is_taken):
            return login.conclude(reply, more="the server takes no keys at this step")
        return self._conclude(reply, identity, blob)

    def _all(self) -> list[Identity]:
        if self._identities is None:
            files = [FileIdentity(file, self._ask) for file in self._login.host.identity_files]
            self._identities = list(collect(self._login.host, files, self._held()))
        return self._identities

    def _ask(self, text: str) -> str | None:
        return self._login.ask(text, patient=False)

    def _held(self) -> list[AgentIdentity]:
        """List the agent's keys; what is wrong with the agent is only noted."""
        place = self._login.host.identity_agent
        try:
            self._agent = open_agent(place)
            if self._agent is None:
                return []
            return [AgentIdentity(self._agent, held) for held in self._agent.list_keys()]
        except AgentError as error:
            self._login.account.skip(self.name, where(place), str(error))
            self._login.account.suggest(8, f"The SSH {where(place)} was of no use: it {error}.")
            return []

    def _offer(self, identity: Identity) -> Reply | None:
        """Offer a key; None if it has been offered. Raises KeyUnusableError."""
        if identity.blob in self._offered or identity in self._skipped:
            return None
        identity.check()
        if identity.blob is None:
            identity.unlock()
        blob = identity.blob
        if blob is None or blob in self._offered:
            return None
        conversation = self._login.conversation
        algorithm = choose_algorithm(
            self._login.host, blob, conversation.server_signature_algorithms
        )
        self._offered.add(blob)
        self._login.account.begin(self.name, identity.label, fingerprint(plain_blob(blob)))
        if not identity.is_ready:  # the server is asked before a person is
            reply = conversation.request(self.name, False, algorithm.encode(), blob)
            if not isinstance(reply, Further):
                return self._conclude(reply, identity, blob)
            _check_answer(reply.payload, blob)
        self._send_signed(identity, blob, algorithm)
        return self._conclude(conversation.reply(), identity, blob)

    def _send_signed(self, identity: Identity, blob: bytes, algorithm: str) -> None:
        """Sign (section 7: the session's identifier, and the request) and send the request."""
        conversation = self._login.conversation
        fields = (True, algorithm.encode(), blob)
        request = conversation.request_message(self.name, *fields).asbytes()
        with conversation.clock_stands_still():  # the agent may be asking its person
            plain = algorithm.replace("-cert-v01@openssh.com", "")
            signature = identity.sign(write_string(conversation.session_id) + request, plain)
        conversation.send_request(self.name, *fields, signature)

    def _conclude(self, reply: Reply, identity: Identity, blob: bytes) -> Reply:
        if isinstance(reply, Failure) and reply.partial:
            self._accepted.add(blob)
        elif isinstance(reply, Failure) and identity.note:
            self._login.account.suggest(2, f"Get a new certificate: {identity.note}.")
        return self._login.conclude(reply, more=identity.note)

    def _leave(self, identity: Identity, error: KeyUnusableError) -> None:
        """Note why a key is not used: found before, or only when the server had accepted it."""
        account = self._login.account
        self._skipped.add(identity)
        if account.is_pending:
            account.end(f"the server would accept it, but it {error}")
        else:
            account.skip(self.name, identity.label, str(error))
        if isinstance(error, PassphraseNeededError):
            account.suggest(
                3,
                "Run this at a terminal to be asked for the passphrase, or add the key "
                "to ssh-agent.",
            )
        elif "too open" in str(error):
            account.suggest(3, f"Let nobody else read the key: chmod 600 {identity.label}")


def _check_answer(payload: bytes, blob: bytes) -> None:
    """Hold USERAUTH_PK_OK to the key that was offered. Raises LoginEnded."""
    message = Message(payload)
    message.get_binary()  # the algorithm, which some servers write in their own way
    if message.get_binary() != blob:
        raise LoginEnded("the server accepts a key that was not offered")
