"""One command over there, or a login shell, with this process's streams, terminal and signals."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from qxub import system
from qxub.cli.boundary import tell
from qxub.cli.console import CLOSED_PIPE, Output
from qxub.cli.prompts import TerminalPrompter
from qxub.cli.ssh.endings import NOT_KNOWN, conclude, status_of_signal
from qxub.remote.translation import translated
from qxub.transport import TransportError, connect
from qxub.transport.environment import offered_environment, set_term
from qxub.transport.local_terminal import (
    StandardInput,
    following_size,
    is_terminal,
    local_pty,
    raw_mode,
    wants_pty,
)
from qxub.transport.running import feed, run_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from qxub.transport import Completion, HostConfig, Pty, RemoteProcess

SECONDS_TO_PASS_ON = 2.0
"""how long a signal may take to reach the server, when this process is to end"""


class EndedBySignal(BaseException):
    """This process is to end, by a signal of system.ENDING_SIGNALS, named as RFC 4254 has it.

    Not an Exception, as KeyboardInterrupt is none.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def run(host: HostConfig, command: str | None, timeout: float | None) -> int:
    """Run `command`, or the login shell, and return the exit status of this process.

    `timeout` is in seconds. Raises QxubError for what goes wrong with the connection.
    """
    stdin = None if host.stdin_null else _descriptor(sys.stdin)
    stdout = _descriptor(sys.stdout)
    has_command = command is not None
    wants = wants_pty(host.request_tty, has_command=has_command, stdin=stdin, stdout=stdout)
    pty = local_pty(stdin, term=set_term(host)) if wants else None
    data = None if command is None else command.encode("utf-8", "surrogateescape")
    try:
        with translated(), connect(host, prompter=TerminalPrompter()) as connection:
            process = connection.start(data, pty=pty, env=offered_environment(host))
            deadline = math.inf if timeout is None else time.monotonic() + timeout
            return _attend(process, host.alias, deadline, stdin=stdin, pty=pty)
    except KeyboardInterrupt:
        tell(f"{host.alias}: interrupted")
        return status_of_signal("INT")


def _descriptor(stream: TextIO | None) -> int | None:
    """Give a standard stream's descriptor; None where it was closed when this was started."""
    return None if stream is None else stream.fileno()


def _attend(
    process: RemoteProcess, host: str, deadline: float, *, stdin: int | None, pty: Pty | None
) -> int:
    """See the process to its end, or this process to its own."""
    outputs = Output(1, sys.stdout), Output(2, sys.stderr)
    try:
        with _raising_at_signals(), _joined(process, stdin, pty):
            completion = _drain(process, host, deadline, outputs)
        return conclude(host, completion)
    except KeyboardInterrupt:
        tell(f"{host}: interrupted for the second time; the command may still run there")
        return status_of_signal("INT")
    except EndedBySignal as ended:
        passed_on = _pass_on(process, ended.name)
        rest = "was passed on" if passed_on else "was not passed on: the command may still run"
        _say(f"{host}: ended by the signal {ended.name}, which {rest}")
        return status_of_signal(ended.name)
    except OSError as error:
        is_output = any(output.error is error for output in outputs)
        if is_output and error.errno in CLOSED_PIPE:
            return status_of_signal("PIPE")  # as a command here would be ended, without a word
        what = "write the command's output" if is_output else "read stdin, or set the terminal"
        _say(f"{host}: cannot {what}: {error.strerror}")
        return NOT_KNOWN


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may have gone
        tell(message)


@contextlib.contextmanager
def _joined(process: RemoteProcess, stdin: int | None, pty: Pty | None) -> Iterator[None]:
    """Let this end's stdin, and its terminal if there is one over there, act for the process."""
    with contextlib.ExitStack() as stack:
        if pty is not None:
            if stdin is not None and is_terminal(stdin):
                stack.enter_context(raw_mode(stdin))
            stack.enter_context(following_size(process, pty))
        feed(process, b"" if stdin is None else stack.enter_context(StandardInput(stdin)))
        yield


def _drain(
    process: RemoteProcess, host: str, deadline: float, outputs: tuple[Output, Output]
) -> Completion:
    """Write the output until the end; the first Ctrl-C is the command's. Raises OSError."""
    try:
        return run_out(process, deadline, *outputs)
    except KeyboardInterrupt:
        if not process.signal("INT"):
            ending = process.drain_until(0, *outputs)  # which may just have come
            if ending is not None:
                return ending
            tell(f"{host}: the server did not pass Ctrl-C on; another one leaves the command there")
    return run_out(process, deadline, *outputs)


@contextlib.contextmanager
def _raising_at_signals() -> Iterator[None]:
    """Raise EndedBySignal where a signal would end this process; it does so once."""

    def end(number: int, frame: object) -> NoReturn:
        del frame
        for taken in before:
            signal.signal(taken, signal.SIG_IGN)
        raise EndedBySignal(system.ENDING_SIGNALS[signal.Signals(number)])

    before = {
        number: handler
        for number in system.ENDING_SIGNALS
        if (handler := signal.getsignal(number)) is signal.SIG_DFL  # else nohup(1) ignores it
    }
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass_on(process: RemoteProcess, name: str) -> bool:
    """Send a signal, if that can be done soon: this process ends, whatever becomes of the line."""
    answers = []

    def send() -> None:
        with contextlib.suppress(TransportError):  # as good as no answer
            answers.append(process.signal(name))

    sender = threading.Thread(target=send, name="signal", daemon=True)
    sender.start()
    sender.join(SECONDS_TO_PASS_ON)
    return answers == [True]
