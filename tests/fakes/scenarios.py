"""Shell commands, and for each a Python function that plays it for the fake server.

So one test sends the same command to a real sshd, where a shell runs it, and to the fake, where
the function of the same line does.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from tests.fakes import both_streams

if TYPE_CHECKING:
    from qxub.transport.session import Session

BIG = 20_000_000
BIG_ON_BOTH_STREAMS = shlex.join([sys.executable, str(Path(both_streams.__file__)), str(BIG)])
ENDLESS = "while :; do echo tick; sleep 0.05; done"


def exits(status: int) -> Callable[[Session], None]:
    """Play `exit STATUS`."""
    return lambda session: session.exit(status)


def writes(stdout: bytes, stderr: bytes, status: int) -> Callable[[Session], None]:
    """Play two printf commands and `exit STATUS`."""

    def handler(session: Session) -> None:
        session.write_stdout(stdout)
        session.write_stderr(stderr)
        session.exit(status)

    return handler


def dies(name: str) -> Callable[[Session], None]:
    """Play `kill -NAME $$`."""
    return lambda session: session.exit_signal(name)


def fill_both(session: Session) -> None:
    """Play BIG_ON_BOTH_STREAMS."""

    def fill_stderr() -> None:
        with contextlib.suppress(BrokenPipeError):  # the client has gone
            session.write_stderr(both_streams.random_bytes(2, BIG))

    other = threading.Thread(target=fill_stderr)
    other.start()
    session.write_stdout(both_streams.random_bytes(1, BIG))
    other.join()
    session.exit(0)


def echo(session: Session) -> None:
    """Play `cat`."""
    for data in iter(lambda: session.read(65536), b""):
        session.write_stdout(data)
    session.exit(0)


def pause(session: Session) -> None:
    """Play `sleep 0.3; echo late`."""
    time.sleep(0.3)
    session.write_stdout(b"late\n")
    session.exit(0)


def background_child(session: Session) -> None:
    """Play a shell that exits with 3 while its child still writes: see the contract test."""
    session.write_stdout(b"out\n")
    session.report_status(3)
    time.sleep(0.5)
    session.write_stdout(b"child\n")


def endless(session: Session) -> None:
    """Play ENDLESS, which a TERM signal or a lost line ends."""
    while session.signals.empty():
        session.write_stdout(b"tick\n")
        time.sleep(0.05)
    name = session.signals.get()
    if name is not None:
        session.exit_signal(name)


def first_line(session: Session) -> None:
    """Play `head -n 1`."""
    line = b""
    while not line.endswith(b"\n"):
        line += session.read(1)
    session.write_stdout(line)
    session.exit(0)


SCENARIOS: dict[str, Callable[[Session], None]] = {
    **{f"exit {status}": exits(status) for status in (0, 1, 7, 128, 255)},
    "true": exits(0),
    "printf out; printf err >&2; exit 3": writes(b"out", b"err", 3),
    r"printf '\000\377\r\n'": writes(b"\x00\xff\r\n", b"", 0),
    "kill -TERM $$": dies("TERM"),
    "kill -KILL $$": dies("KILL"),
    "cat": echo,
    "head -n 1": first_line,
    "sleep 0.3; echo late": pause,
    "echo out; { sleep 0.5; echo child; } & exit 3": background_child,
    ENDLESS: endless,
    BIG_ON_BOTH_STREAMS: fill_both,
}


def play(session: Session) -> None:
    """Handle a command by its scenario: the handler for a fake Server."""
    SCENARIOS[session.command.decode()](session)


def is_known(command: bytes) -> bool:
    """Whether the fake can play a command; it refuses others."""
    return command.decode() in SCENARIOS
