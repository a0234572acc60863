"""A server whose logins follow a script, to the byte: also such as no honest server would do."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Union

import paramiko
from paramiko.message import Message
from paramiko.packet import Packetizer

from qxub.transport import resolve
from qxub.transport.server import LOOPBACK, _new_host_key
from tests.fakes.ssh_host import SSH_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig

IGNORE, SERVICE_REQUEST, SERVICE_ACCEPT, REQUEST, FAILURE, SUCCESS, BANNER = 2, 5, 6, 50, 51, 52, 53
INFO_REQUEST, INFO_RESPONSE = 60, 61
SECONDS = 60.0
ALL = "publickey,keyboard-interactive,password"

Field = Union[bytes, str, bool, int]


class ClientLeftError(Exception):
    """The client has gone."""


@dataclass(frozen=True)
class Request:
    """A USERAUTH_REQUEST, `fields` at what the method adds."""

    user: str
    method: str
    fields: Message


class Desk:
    """The server's side of a login; in the place of Paramiko's AuthHandler."""

    def __init__(self, transport: _QuietTransport) -> None:
        self.transport = transport
        self.arrived: queue.Queue[tuple[int, bytes] | None] = queue.Queue()
        self._in = False
        self._methods = ALL
        self._handler_table = {
            number: lambda message, n=number: self.arrived.put((n, message.get_remainder()))
            for number in (SERVICE_REQUEST, REQUEST, INFO_RESPONSE)
        }

    def is_authenticated(self) -> bool:
        return self._in

    def abort(self) -> None:
        self.arrived.put(None)

    def read(self, number: int) -> Message:
        """Wait for a message of this number. Raises ClientLeftError."""
        got = self.arrived.get(timeout=SECONDS)
        if got is None:
            raise ClientLeftError
        assert got[0] == number, f"message {got[0]} came, and {number} was expected"
        return Message(got[1])

    def send(self, number: int, *fields: Field) -> None:
        """Send a message; a number is a uint32."""
        message = Message()
        message.add_byte(bytes([number]))
        for field in fields:
            if isinstance(field, bool):
                message.add_boolean(field)
            elif isinstance(field, int):
                message.add_int(field)
            else:
                message.add_string(field)
        self.transport._send_message(message)  # type: ignore[attr-defined]

    def open(self) -> None:
        """Accept the service."""
        self.read(SERVICE_REQUEST)
        self.send(SERVICE_ACCEPT, "ssh-userauth")

    def request(self, method: str | None = None) -> Request:
        """Wait for a request, of this method if one is given; a key sent ahead is refused."""
        message = self.read(REQUEST)
        user, _service, name = (message.get_text() for _ in range(3))
        if name == "publickey" and name not in (method, *self._methods.split(",")):
            self.refuse(self._methods)
            return self.request(method)
        assert method in (None, name), f"{name} was asked for, and {method} was expected"
        return Request(user, name, message)

    def refuse(self, methods: str = ALL, *, partial: bool = False) -> None:
        self._methods = methods
        self.send(FAILURE, methods, partial)

    def let_in(self) -> None:
        self._in = True
        self.send(SUCCESS)

    def await_acknowledgement(self) -> None:
        """Wait for a message that means nothing: Nagle's algorithm waits for what it carries."""
        assert self.transport.packetizer.ignored.acquire(timeout=SECONDS)

    def ping(self) -> None:
        """Ask whether the client is alive, and wait for its answer (it refuses, and is)."""
        self._in = True  # else Paramiko does not take the answer
        assert self.transport.global_request("keepalive@openssh.com", wait=True) is None
        self._in = False

    def password(self) -> str:
        """Wait for a password."""
        fields = self.request("password").fields
        assert not fields.get_boolean()
        return fields.get_text()

    def ask(self, *prompts: tuple[str, bool], name: str = "", instruction: str = "") -> list[str]:
        """Ask questions and wait for the answers, each with whether it may be shown."""
        flat = [part for prompt in prompts for part in prompt]
        self.send(INFO_REQUEST, name, instruction, "", len(prompts), *flat)
        message = self.read(INFO_RESPONSE)
        return [message.get_text() for _ in range(message.get_int())]


Script = Callable[[Desk], None]


def opened(script: Script) -> Script:
    """Give the script that accepts the service first."""

    def whole(desk: Desk) -> None:
        desk.open()
        script(desk)

    return whole


@dataclass
class LoginHost:
    """The server's address, as ssh_config."""

    directory: Path

    def config(self, *lines: str) -> HostConfig:
        """Resolve it, with more lines of ssh_config, which count before ours."""
        text = (self.directory / "ssh_config").read_text()
        head, rest = text.split("\n", 1)
        file = self.directory / "changed_config"
        file.write_text("\n".join([head, *lines, rest]))
        return resolve("target", config_file=file)


@contextlib.contextmanager
def login_server(
    directory: Path, script: Script, *, opens: bool = True, says_algorithms: bool = True
) -> Iterator[LoginHost]:
    """Run a server; each login follows `script`, whose failed assertions end up here.

    `opens`: whether it accepts the service before the script. `says_algorithms`: whether it sends
    "server-sig-algs" (RFC 8308 section 3.1).
    """
    directory.mkdir(parents=True, exist_ok=True)
    key = _new_host_key("ssh-ed25519")
    failures: list[AssertionError] = []
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        known = directory / "known_hosts"
        known.write_text(f"[{LOOPBACK}]:{port} {key.get_name()} {key.get_base64()}\n")
        (directory / "ssh_config").write_text(
            SSH_CONFIG.format(address=LOOPBACK, port=port, key=directory / "key", known_hosts=known)
        )
        stopping = threading.Event()
        whole = opened(script) if opens else script
        arguments = (listener, key, whole, failures, stopping, says_algorithms)
        thread = threading.Thread(target=_serve, args=arguments, name="login server")
        thread.start()
        try:
            yield LoginHost(directory)
        finally:
            stopping.set()
            with contextlib.suppress(OSError):
                socket.create_connection((LOOPBACK, port), 5).close()
            thread.join(10)
    for failure in failures:
        raise failure


def _serve(
    listener: socket.socket,
    key: paramiko.PKey,
    script: Script,
    failures: list[AssertionError],
    stopping: threading.Event,
    says_algorithms: bool,
) -> None:
    while True:
        sock, _ = listener.accept()
        if stopping.is_set():
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = _QuietTransport(
            sock, server_sig_algs=says_algorithms, packetizer_class=_ListeningPacketizer
        )
        transport.add_server_key(key)
        desk = Desk(transport)
        transport.auth_handler = desk  # type: ignore[assignment]
        try:
            transport.start_server(event=threading.Event(), server=paramiko.ServerInterface())
            script(desk)
            transport.join(SECONDS)
        except AssertionError as failure:
            failures.append(failure)
        except (ClientLeftError, EOFError, OSError, paramiko.SSHException):
            pass  # the client has gone, which is for its test to judge
        finally:
            transport.close()
            sock.close()
            transport.join(5)


class _ListeningPacketizer(Packetizer):
    """Counts the messages that mean nothing, which Paramiko drops."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.ignored = threading.Semaphore(0)

    def read_message(self) -> tuple[int, Message]:
        kind, message = super().read_message()
        if kind == IGNORE:
            self.ignored.release()
        return kind, message


class _QuietTransport(paramiko.Transport):
    packetizer: _ListeningPacketizer

    def _log(self, level: int, msg: object, *args: object) -> None:
        del level, msg, args
