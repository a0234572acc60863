"""ProxyCommand (ssh_config(5)): a program whose standard streams are the line to the host.

Its pipes and a pair of sockets are joined by a thread for each direction, because Paramiko wants
time-outs and wake-ups that pipes do not have on Windows. A third thread reads its stderr, so that
it is never blocked there. All three sleep in the system until there is something to move.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import paramiko

from qxub.transport.errors import ConnectError, HostConfigError
from qxub.transport.translation import describe, printable

if sys.platform == "win32":
    from qxub.transport import _proxy_command_windows as _system
else:
    from qxub.transport import _proxy_command_posix as _system

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from typing import IO

    from qxub.transport.host_config import HostConfig
    from qxub.transport.prompter import Prompter

log = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024
LAST_LINES = 5
LINE_BYTES = 1000
SECONDS_FOR_STATUS = 2.0
"""how long to wait for the exit of a command that has closed its stdout"""


class ProxyEndedError(paramiko.ProxyCommandFailure):
    """The command ended by itself. Paramiko lets this class, and no other, through unchanged."""

    def __str__(self) -> str:
        return f"{self.command} {self.error}"


def run_proxy_command(host: HostConfig, prompter: Prompter) -> ProxySocket:
    """Start the host's ProxyCommand; `prompter` is told what it writes to stderr, line by line.

    Raises HostConfigError for "-", and ConnectError when the command cannot be started.
    """
    command = host.proxy_command or ""
    where = ", ".join(host.origins.get("proxycommand", ()))
    name = f"{where}: ProxyCommand" if where else "ProxyCommand"
    if command.strip() == "-":
        raise HostConfigError(
            f"{host.alias}: {name} is -, which means this program's own standard input and output;"
            " those are the command's here",
            hint="Give a command that connects to the host, such as: nc %h %p",
            host=host.alias,
        )
    try:
        process = _system.start(command)
    except (OSError, ValueError) as error:  # no such program, or a zero byte in its name
        words = f"{host.alias}: {name} {printable(command)} cannot be started: {describe(error)}"
        raise ConnectError(words, host=host.alias) from error
    return ProxySocket(
        process, name, lambda line: prompter.tell(f"{host.alias}: ProxyCommand: {line}")
    )


class ProxySocket:
    """What Paramiko takes for a socket: the line through a running command.

    When the command's stdout ends, `recv` raises ProxyEndedError with its exit status and its last
    words. `close` ends the command, without waiting for it; `join` waits.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], name: str, tell: Callable[[str], None]
    ) -> None:
        self._process = process
        self._name = name
        self._tell = tell
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._here, self._there = _pair()
        self._closing = threading.Lock()
        self._closed = False  # Paramiko looks at a socket's field of this name
        assert process.stdin is not None  # noqa: S101 - for mypy: all three are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        self._streams = (process.stdin, process.stdout, process.stderr)
        self._threads = [
            threading.Thread(target=target, args=(stream,), name=f"proxy {what}", daemon=True)
            for target, stream, what in zip(
                (self._pump_in, self._pump_out, self._read_stderr),
                self._streams,
                ("stdin", "stdout", "stderr"),
            )
        ]
        for thread in self._threads:
            thread.start()

    def send(self, data: bytes) -> int:
        """Send some of `data`. What a command that has ended does not take is lost: recv tells."""
        try:
            return self._here.send(data)
        except (BrokenPipeError, ConnectionError):
            if self._closed:
                raise
            return len(data)

    def recv(self, count: int) -> bytes:
        """Receive up to `count` bytes. Raises ProxyEndedError where the command's output ends."""
        try:
            data = self._here.recv(count)
        except ConnectionError:  # of a socket that was shut down, on Windows
            if not self._closed:
                raise
            return b""
        if not data and not self._closed:
            raise ProxyEndedError(self._name, self._ending())
        return data

    def settimeout(self, seconds: float | None) -> None:
        """Limit the time of `send` and `recv`, as a socket does."""
        self._here.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        """Let a waiting `recv` return b"" and the command see the end of its stdin."""
        self._closed = True
        self._here.shutdown(how)

    def close(self) -> None:
        """End the command and what was started for it. May be called again, and in any thread."""
        self._closed = True
        if self._closing.acquire(blocking=False):
            self._here.close()
            ender = threading.Thread(target=self._end, name="proxy end", daemon=True)
            self._threads.append(ender)
            ender.start()

    def join(self) -> None:
        """Wait, after `close`, until the command has ended, which takes a few seconds at most."""
        self._threads[-1].join()

    def _end(self) -> None:
        _system.end(self._process, self._is_silent)
        self._is_silent(1)  # a child of the command that left its group may hold the pipes open
        self._threads[0].join(timeout=1)
        self._there.close()

    def _is_silent(self, seconds: float) -> bool:
        """Wait some seconds for the end of both outputs."""
        deadline = time.monotonic() + seconds
        for thread in self._threads[1:3]:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads[1:3])

    def _ending(self) -> str:
        """Say how the command ended, and its last words."""
        status = _system.wait(self._process, SECONDS_FOR_STATUS)
        if status is None:
            return "closed its output"
        ending = _system.how_it_ended(status)
        self._threads[2].join(timeout=SECONDS_FOR_STATUS)
        words = "".join(f"\n  {line}" for line in self._last_lines)
        return f"{ending}:{words}" if words else ending

    def _pump_in(self, stdin: IO[bytes]) -> None:
        try:
            while data := self._there.recv(CHUNK_BYTES):
                view = memoryview(data)
                while view:
                    view = view[os.write(stdin.fileno(), view) :]
        except OSError as error:  # the command ended, which is told where its output ends
            log.debug("%s takes no more: %s", self._name, error)
        finally:
            _close(stdin)

    def _pump_out(self, stdout: IO[bytes]) -> None:
        try:
            while data := os.read(stdout.fileno(), CHUNK_BYTES):
                self._there.sendall(data)
        except OSError as error:  # our side has closed
            log.debug("%s gives no more: %s", self._name, error)
        finally:
            _end_output(self._there)
            _close(stdout)

    def _read_stderr(self, stderr: IO[bytes]) -> None:
        """Pass on each line, and one that does not end in pieces."""
        rest = b""
        with stderr:
            while data := os.read(stderr.fileno(), CHUNK_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._note(line)
                while len(rest) > LINE_BYTES:
                    self._note(rest[:LINE_BYTES])
                    rest = rest[LINE_BYTES:]
        if rest:
            self._note(rest)

    def _note(self, line: bytes) -> None:
        text = printable(line.rstrip(b"\r").decode("utf-8", "backslashreplace"))
        self._last_lines.append(text[:LINE_BYTES])
        log.info("%s: %s", self._name, text)
        if self._closed:
            return  # that it was ended, as the likes of ssh say
        try:
            self._tell(text)
        except Exception:  # a prompter is foreign code, and without readers the command would block
            log.exception("%s: the prompter failed", self._name)


def _pair() -> tuple[socket.socket, socket.socket]:
    """Give two sockets that are joined, for small messages too: Windows makes them of TCP."""
    pair = socket.socketpair()
    for sock in pair:
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return pair


def _end_output(sock: socket.socket) -> None:
    """Let the other socket of the pair see the end, after what was sent before."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError as error:
        log.debug("the pair was already closed: %s", error)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError as error:  # unwritten data for a command that has ended
        log.debug("closing a pipe: %s", error)
