"""Connecting to a host: TCP or a tunnel through the jump host, host key, login, channels."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from qxub.transport.agents.forwarding import forward_agent
from qxub.transport.errors import (
    ChannelError,
    ConnectError,
    ConnectionLost,
    TransportError,
)
from qxub.transport.key_exchange import DEFAULT_CONNECT_SECONDS, connect_seconds
from qxub.transport.lines import close_line, log_in, open_line
from qxub.transport.paramiko_hooks import HookedTransport, close_channel, shut_down
from qxub.transport.process import RemoteProcess
from qxub.transport.prompter import NOBODY
from qxub.transport.running import feed, run_out
from qxub.transport.translation import describe, translate
from qxub.transport.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Self

    from qxub.transport.completion import Completion
    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_channels import Answer, SessionChannel
    from qxub.transport.paramiko_hooks import SocketLike
    from qxub.transport.prompter import Prompter
    from qxub.transport.pty import Pty
    from qxub.transport.running import Source
    from qxub.transport.sinks import Target


SECONDS_FOR_NEW_KEYS = 3600.0
"""how long sending may wait while keys are exchanged anew: all that is under way arrives before,
which takes Paramiko's 30 s on a slow line; that the peer lives, Upkeep sees to"""
SESSION_SECONDS = 30.0
"""how long to wait for a session to end where the server allows no more (MaxSessions)"""
JUST_ENDED_SECONDS = 5.0
"""how long a busy server may go on counting a session that it has told us has ended"""
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""between two tries, in seconds"""


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
            transport = log_in(host, sock, deadline, prompter)
        except BaseException:
            close_line(sock)
            raise
    except BaseException:
        if jump:
            jump.close()
        raise
    return Connection(host, transport, sock, jump)


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
        patience: float = SESSION_SECONDS,
    ) -> RemoteProcess:
        """Start `command` in the user's login shell over there, in a channel of its own.

        Text is sent as UTF-8. Without a command the login shell itself is started. `pty` asks for
        a terminal; `env` is offered variable by variable, and the server takes what it likes
        (sshd_config(5), AcceptEnv). Where the server has as many sessions as it allows, this waits
        for one of ours to end, at most `patience` seconds. Raises ChannelError when something is
        refused, or ConnectionLost.
        """
        with self._new_channel("starting the command", patience) as session:
            forward_agent(self.host, session.channel)
            self._transport.watch(session)
            for pair in (env or {}).items():
                session.notify("env", *(os.fsencode(text) for text in pair))
            if pty is not None:
                size = (pty.columns, pty.rows, 0, 0)
                terminal = (pty.term.encode(), *size, pty.encoded_modes())
                self._expect(session.request("pty-req", *terminal), "a terminal")
            if command is None:
                self._expect(session.request("shell"), "a shell")
            else:
                data = command.encode() if isinstance(command, str) else command
                self._expect(session.request("exec", data), "the command")
            self._transport.opener.open_ahead()
        return RemoteProcess(self.host.alias, self._transport, session)

    def start_subsystem(self, name: str) -> RemoteProcess:
        """Start a subsystem, such as "sftp", in a channel of its own (RFC 4254 section 6.5).

        Waits and raises as `start` does; ChannelError also when the server has none of that name.
        """
        with self._new_channel(f"starting the subsystem {name}", SESSION_SECONDS) as session:
            self._transport.watch(session)
            answer = session.request("subsystem", name.encode())
            self._expect(answer, f"the subsystem {name}")
        return RemoteProcess(self.host.alias, self._transport, session)

    def run(
        self,
        command: str | bytes | None,
        *,
        stdin: Source = b"",
        stdout: Target,
        stderr: Target,
        pty: Pty | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completion:
        """Run `command` to its end, feeding it `stdin` and passing its output on.

        `stdin` is bytes or a file opened in binary, which is read to its end in a thread of its
        own. After `timeout` seconds the process is sent TERM, and KILL when it has not ended
        KILL_SECONDS later: that gives TimedOut, and the output is what came until then. Raises what
        `start` and `RemoteProcess.drain` raise. A process that ends without reading all of its
        input is no error.
        """
        with self.start(command, pty=pty, env=env) as process:
            feed(process, stdin)
            if timeout is None:
                return process.drain(stdout, stderr)
            return run_out(process, time.monotonic() + timeout, stdout, stderr)

    @contextmanager
    def _new_channel(self, stage: str, patience: float) -> Iterator[SessionChannel]:
        """Open a channel, in which the body starts something; close it if that fails."""
        session = self._open_session(patience)
        try:
            with self._asking(stage, ChannelError):
                yield session
        except BaseException:
            close_channel(session.channel)
            raise

    def _open_session(self, patience: float) -> SessionChannel:
        """Open a channel; where the server has none left, wait for one of ours to end."""
        start, pause = time.monotonic(), FIRST_PAUSE
        while True:
            with self._asking("opening a channel", ChannelError):
                try:
                    return self._transport.opener.open(DEFAULT_CONNECT_SECONDS)
                except paramiko.ChannelException as error:
                    others = len(self._transport.sessions)
                    now = time.monotonic()
                    if not others and now - self._transport.last_end > JUST_ENDED_SECONDS:
                        raise
                    if others and now - start > patience:
                        raise _no_more_sessions(self.host, others) from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _expect(self, answer: Answer, what: str) -> None:
        """Wait for an answer. Raises ChannelError when it is no, or what ended the line."""
        granted, alias = answer.wait(), self.host.alias
        if granted is None and not self._transport.is_active():
            raise self._transport.get_exception() or EOFError
        if granted is None:
            message = f"{alias}: the server closed the channel when it was asked for {what}"
            raise ChannelError(message, host=alias) from EOFError()  # in place of an answer
        if not granted:
            raise ChannelError(f"{alias}: the server refused {what}", host=alias)

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
            line_ended = isinstance(error, EOFError)  # sending sees that before reading does
            if self._transport.is_active() and not line_ended:
                raise translate(error, self.host.alias, stage, otherwise) from error
            reason = self._transport.disconnect_reason or describe(error)
            alias = self.host.alias
            raise ConnectionLost(f"{alias}: {stage}: {reason}", host=alias) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_more_sessions(host: HostConfig, others: int) -> ChannelError:
    message = f"{host.alias}: the server opens no more sessions on this connection; it has {others}"
    hint = "Its limit is MaxSessions (sshd_config(5)): end one first, or use another connection."
    return ChannelError(message, hint=hint, host=host.alias)
