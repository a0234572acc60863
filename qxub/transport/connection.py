"""Connecting to a host: TCP or a tunnel through the jump host, host key, login, channels."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qxub.transport.agents.forwarding import forward_agent
from qxub.transport.authentication import authenticate
from qxub.transport.dialing import dial
from qxub.transport.errors import (
    ChannelError,
    ConnectError,
    ConnectionLost,
    TransportError,
)
from qxub.transport.host_key_check import check_host_key
from qxub.transport.host_keys import host_key_algorithms, known_host
from qxub.transport.key_exchange import DEFAULT_CONNECT_SECONDS, connect_seconds, exchange_keys
from qxub.transport.paramiko_hooks import HookedTransport, notify, shut_down
from qxub.transport.paramiko_hooks import request as request_answer
from qxub.transport.process import RemoteProcess
from qxub.transport.prompter import NOBODY
from qxub.transport.proxy_command import ProxySocket, run_proxy_command
from qxub.transport.translation import describe, translate
from qxub.transport.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import paramiko
    from typing_extensions import Self

    from qxub.transport.completion import Completion
    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_hooks import SocketLike
    from qxub.transport.process import Sink
    from qxub.transport.prompter import Prompter
    from qxub.transport.pty import Pty

log = logging.getLogger(__name__)

SECONDS_FOR_NEW_KEYS = 3600.0
"""how long sending may wait while keys are exchanged anew: all that is under way arrives before,
which takes Paramiko's 30 s on a slow line; that the peer lives, Upkeep sees to"""


def connect(host: HostConfig, *, prompter: Prompter = NOBODY) -> Connection:
    """Connect to `host`, through its jump host or ProxyCommand if it has one, and log in.

    ConnectTimeout, or else 30 s, limits the way to the server and the key exchange together; a jump
    host has its own. The login has that time again, without what a person takes. `prompter` is
    asked for what only a person knows. Raises TransportError of any kind.
    """
    jump = _connect_jump(host, prompter)
    try:
        deadline = time.monotonic() + connect_seconds(host)
        sock = open_line(host, jump, deadline, prompter)
        try:
            transport = _start_session(host, sock, deadline, prompter)
        except BaseException:
            close_line(sock)
            raise
    except BaseException:
        if jump:
            jump.close()
        raise
    return Connection(host, transport, sock, jump)


def open_line(
    host: HostConfig, jump: Connection | None, deadline: float, prompter: Prompter
) -> SocketLike:
    """Open the line to `host`, on which SSH is spoken: a process, a tunnel or TCP."""
    if host.proxy_command is not None:
        return run_proxy_command(host, prompter)
    return jump.open_tunnel(host, deadline) if jump else dial(host, deadline)


def close_line(sock: SocketLike) -> None:
    """Close what `open_line` has opened."""
    sock.close()
    if isinstance(sock, ProxySocket):
        sock.join()


def _connect_jump(host: HostConfig, prompter: Prompter) -> Connection | None:
    hop = host.jump
    if hop is None:
        return None
    try:
        return connect(hop, prompter=prompter)
    except TransportError as error:
        error.name_hop(hop.alias, host.alias)
        raise


class Connection:
    """A logged-in SSH connection; a context manager. Its methods may be called from any thread."""

    def __init__(
        self,
        host: HostConfig,
        transport: HookedTransport,
        sock: SocketLike,
        jump: Connection | None = None,
    ) -> None:
        self.host = host
        self._transport = transport
        self._sock = sock
        self._jump = jump
        transport.clear_to_send_timeout = SECONDS_FOR_NEW_KEYS
        if jump:
            transport.why_line_ended = jump._why_ended  # noqa: SLF001 - of our own class
        self._upkeep = Upkeep(host, transport)
        self._upkeep.start()

    def start(
        self,
        command: str | bytes | None,
        *,
        pty: Pty | None = None,
        env: Mapping[str, str] | None = None,
    ) -> RemoteProcess:
        """Start `command` in the user's login shell over there, in a channel of its own.

        Text is sent as UTF-8. Without a command the login shell itself is started. `pty` asks for
        a terminal; `env` is offered variable by variable, and the server takes what it likes
        (sshd_config(5), AcceptEnv). Raises ChannelError when something is refused, or
        ConnectionLost.
        """
        data = command.encode() if isinstance(command, str) else command
        request = ("shell",) if data is None else ("exec", data)
        with self._asking("opening a channel", ChannelError):
            channel = self._transport.open_session(timeout=DEFAULT_CONNECT_SECONDS)
        with self._asking("starting the command", ChannelError):
            forward_agent(self.host, channel)
            for name, value in (env or {}).items():
                notify(channel, "env", name.encode(), value.encode())
            if pty is not None:
                size = (pty.columns, pty.rows, 0, 0)
                request_answer(channel, "pty-req", pty.term.encode(), *size, pty.encoded_modes())
            return RemoteProcess(self.host.alias, self._transport, channel, request)

    def start_subsystem(self, name: str) -> RemoteProcess:
        """Start a subsystem, such as "sftp", in a channel of its own (RFC 4254 section 6.5).

        Raises ChannelError when the server has none of that name, or ConnectionLost.
        """
        with self._asking(f"starting the subsystem {name}", ChannelError):
            channel = self._transport.open_session(timeout=DEFAULT_CONNECT_SECONDS)
            request = ("subsystem", name.encode())
            return RemoteProcess(self.host.alias, self._transport, channel, request)

    def run(
        self, command: str | bytes, *, stdin: bytes = b"", stdout: Sink, stderr: Sink
    ) -> Completion:
        """Run `command` to its end, feeding it `stdin` and passing its output to the sinks.

        Raises what `start` and `RemoteProcess.drain` raise. A process that ends without reading all
        of its input is no error.
        """
        process = self.start(command)
        feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
        feeder.start()
        try:
            return process.drain(stdout, stderr)
        finally:
            process.close()
            feeder.join(timeout=1)

    def open_tunnel(self, target: HostConfig, deadline: float) -> paramiko.Channel:
        """Open a direct-tcpip channel (RFC 4254 section 7.2) to the target's address.

        Raises ChannelError, naming this host, when it is refused, or ConnectionLost.
        """
        seconds = max(0.1, deadline - time.monotonic())
        stage = f"jump host, tunnel to {target.hostname}:{target.port}"
        with self._asking(stage, ConnectError):
            address = (target.hostname, target.port)
            return self._transport.open_channel(
                "direct-tcpip", address, ("127.0.0.1", 0), timeout=seconds
            )

    def close(self) -> None:
        """End the connection and its jump host's; running processes see their stdin end."""
        shut_down(self._transport, self._sock)
        close_line(self._sock)
        self._upkeep.stop()
        if self._jump:
            self._jump.close()

    def _why_ended(self) -> str:
        """Say, for those who come by way of this host, what ended the connection; "" if nothing."""
        error = self._transport.saved_exception
        words = self._transport.disconnect_reason or (describe(error) if error else "")
        return f"jump host {self.host.alias}: {words}" if words else ""

    @contextmanager
    def _asking(self, stage: str, otherwise: type[TransportError]) -> Iterator[None]:
        """Translate what goes wrong with a request; on a dead line, into what ended the line."""
        try:
            yield
        except TransportError:
            raise
        except Exception as error:  # whatever ended Paramiko's thread: see translation
            if self._transport.is_active():
                raise translate(error, self.host.alias, stage, otherwise) from error
            reason = self._transport.disconnect_reason or describe(error)
            alias = self.host.alias
            raise ConnectionLost(f"{alias}: {stage}: {reason}", host=alias) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _feed(process: RemoteProcess, stdin: bytes) -> None:
    try:
        process.write(stdin)
        process.close_stdin()
    except (ChannelError, ConnectionLost) as error:
        # the process did not want it all, or drain() tells of the loss
        log.debug("stdin not delivered: %s", error)


def _start_session(
    host: HostConfig, sock: SocketLike, deadline: float, prompter: Prompter
) -> HookedTransport:
    """Key exchange, host-key check, and only then login."""
    known = known_host(host)
    transport = HookedTransport(sock, host_key_algorithms(host, known))
    try:
        transport.offer(host.algorithms, compression=host.compression)
        if host.rekey_limit:
            transport.limit_keys(host.rekey_limit)
        exchange_keys(host, transport, deadline)
        check_host_key(host, known, transport.host_key_blob, prompter, sock=sock)
        authenticate(transport, host, time.monotonic() + connect_seconds(host), prompter)
    except BaseException:
        shut_down(transport, sock)
        raise
    return transport
