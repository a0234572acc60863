"""A small SSH server on loopback: the far side of `qxub demo`, and of the tests.

It takes public-key login and exec requests on session channels, and refuses everything else. Each
command is given to a handler, a Python function, in a thread of its own.
"""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import socket
import threading
from typing import TYPE_CHECKING, Callable

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paramiko import common

from qxub.transport import paramiko_hooks as hooks
from qxub.transport.completion import SIGNAL_NUMBERS
from qxub.transport.paramiko_server import grant_request
from qxub.transport.session import Handler, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paramiko.message import Message
    from typing_extensions import Self

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 5


class Server:
    """A context manager that serves on a free loopback port until its block ends.

    `handler` is called for each command for which `accepts` is true; other commands are refused.
    `authorized_keys` are public-key lines. A new host key is made of each type:
    "ssh-ed25519" or "ecdsa-sha2-nistp256".
    """

    def __init__(
        self,
        handler: Handler,
        *,
        authorized_keys: Sequence[str],
        host_key_types: Sequence[str] = ("ssh-ed25519",),
        accepts: Callable[[bytes], bool] = lambda _command: True,
    ) -> None:
        self.handler = handler
        self.accepts = accepts
        self.authorized = {base64.b64decode(line.split()[1]) for line in authorized_keys}
        self._host_keys = [_new_host_key(key_type) for key_type in host_key_types]
        self._clients: set[_Client] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopping = False
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def known_hosts_lines(self) -> tuple[str, ...]:
        """The lines by which a known_hosts file knows this server."""
        return tuple(
            f"[{LOOPBACK}]:{self.port} {key.get_name()} {key.get_base64()}"
            for key in self._host_keys
        )

    def stop(self) -> None:
        """End the sessions, their threads, and the listening socket."""
        with self._lock:
            self._stopping = True
            clients = list(self._clients)
        for client in clients:
            client.stop()
        with contextlib.suppress(OSError):  # wakes accept() on every system; closing may not
            socket.create_connection((LOOPBACK, self.port), STOP_SECONDS).close()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        self._listener.close()

    def start_thread(self, target: Callable[[], None], name: str) -> None:
        """Run `target` in a thread that `stop` waits for."""
        thread = threading.Thread(target=target, name=name, daemon=True)
        with self._lock:
            self._threads = [old for old in self._threads if old.is_alive()] + [thread]
            thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                log.debug("no longer listening: %s", error)
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = _Client(self, sock, self._host_keys)
            with self._lock:
                if self._stopping:
                    sock.close()
                    return
                self._clients.add(client)
            self.start_thread(client.serve, "ssh client")

    def forget(self, client: _Client) -> None:
        """Take a client that is gone off the list."""
        with self._lock:
            self._clients.discard(client)

    def __enter__(self) -> Self:
        self.start_thread(self._accept, "ssh server")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Client(paramiko.ServerInterface):
    """One client's connection: its login and its sessions. Paramiko calls the check_ methods."""

    def __init__(
        self, server: Server, sock: socket.socket, host_keys: Sequence[paramiko.PKey]
    ) -> None:
        self._server = server
        self._sock = sock
        self._transport = _ServerTransport(sock)
        self._sessions: dict[int, Session] = {}
        for key in host_keys:
            self._transport.add_server_key(key)

    def serve(self) -> None:
        """Serve this client until its line ends."""
        self._transport.start_server(event=threading.Event(), server=self)
        self._transport.join()
        for session in list(self._sessions.values()):
            session.signals.put(None)
        hooks.shut_down(self._transport, self._sock)
        self._server.forget(self)

    def stop(self) -> None:
        """End the client's processes and its line."""
        for session in list(self._sessions.values()):
            session.on_stop()
        hooks.shut_down(self._transport, self._sock)

    def start_session(self, channel: paramiko.Channel) -> None:
        """Run the handler of a command; called when the client has been told "success"."""
        session = self._sessions[channel.chanid]
        self._transport.server_accepts.remove(channel)  # nobody calls accept(), which takes it out
        self._server.start_thread(lambda: self._handle(session, channel), "ssh session")

    def signal(self, channel: paramiko.Channel, name: str) -> None:
        """Pass a client's signal on."""
        if channel.chanid in self._sessions:
            self._sessions[channel.chanid].signals.put(name)

    def _handle(self, session: Session, channel: paramiko.Channel) -> None:
        try:
            self._server.handler(session)
        except BrokenPipeError as error:
            log.debug("session ended: %s", error)
        finally:
            session.close()
            self._sessions.pop(channel.chanid, None)

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        known = key.asbytes() in self._server.authorized
        return common.AUTH_SUCCESSFUL if known else common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        if kind == "session":
            return common.OPEN_SUCCEEDED
        return common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if channel.chanid in self._sessions or not self._server.accepts(command):
            return False
        self._sessions[channel.chanid] = Session(command, channel, self._sock)
        return True


class _ServerTransport(hooks.HookedTransport):
    """Adds what Paramiko's server lacks: signals, and starting a command after its "success".

    Were the handler started from check_channel_exec_request, it could close the channel before the
    client has its answer.
    """

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Every key that there is, certified or not."""
        return tuple(self.server_key_dict)

    def on_channel_request(self, channel: paramiko.Channel, message: Message) -> None:
        request = paramiko.Message(message.get_remainder())
        kind, wants_answer = request.get_text(), request.get_boolean()
        client = self.server_object
        if kind == "signal" and isinstance(client, _Client):
            name = request.get_text()
            if name in SIGNAL_NUMBERS:
                client.signal(channel, name)
                if wants_answer:
                    grant_request(channel)
                return
        before = isinstance(client, _Client) and channel.chanid in client._sessions  # noqa: SLF001
        super().on_channel_request(channel, message)
        if kind != "exec" or not isinstance(client, _Client) or before:
            return
        if channel.chanid in client._sessions:  # noqa: SLF001
            client.start_session(channel)


def _new_host_key(key_type: str) -> paramiko.PKey:
    """Make a host key of type "ssh-ed25519" or "ecdsa-sha2-nistp256"."""
    key = (
        Ed25519PrivateKey.generate()
        if key_type == "ssh-ed25519"
        else ec.generate_private_key(ec.SECP256R1())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode("ascii")
    kind = paramiko.Ed25519Key if key_type == "ssh-ed25519" else paramiko.ECDSAKey
    return kind.from_private_key(io.StringIO(text))
