"""The hosts of the contract, what is run on them, and how much of it.

QXUB_SSH_PERCENT=N takes N per cent of what is mere repetition.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from qxub.transport import Exited, connect, generate_key_pair, resolve
from qxub.transport.server_process import serve_subprocess
from tests.fakes.ssh_host import fake_host
from tests.real.dropbear import running_dropbear
from tests.repetition import scaled_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import Connection, HostConfig
    from qxub.transport.session import Session
    from tests.real.accounts import Account

MIB = 1024 * 1024
IS_ROOT = sys.platform != "win32" and os.geteuid() == 0
scaled = functools.partial(scaled_by, variable="QXUB_SSH_PERCENT")


class Ran(NamedTuple):
    """What came of a command."""

    end: object
    out: bytes
    err: bytes


@dataclasses.dataclass(frozen=True)
class FarHost:
    """The host `target` of an ssh_config. It has a POSIX shell.

    `server` is "fake", "sshd" or "dropbear".
    """

    server: str
    ssh_config: Path

    @property
    def config(self) -> HostConfig:
        """What its ssh_config says."""
        return resolve("target", config_file=self.ssh_config)

    def connect(self, **settings: Any) -> Connection:
        """Connect, with some fields of its configuration changed."""
        return connect(dataclasses.replace(self.config, **settings))

    def run(self, command: str, stdin: bytes = b"") -> Ran:
        """Run a command over a connection of its own."""
        with self.connect() as connection:
            return run(connection, command, stdin)


def run(connection: Connection, command: str, stdin: bytes = b"") -> Ran:
    """Run a command and keep what it writes."""
    out, err = bytearray(), bytearray()
    end = connection.run(command, stdin=stdin, stdout=out.extend, stderr=err.extend)
    return Ran(end, bytes(out), bytes(err))


def runs_on(connection: Connection) -> bool:
    """Whether another command runs, after one that was left behind."""
    return run(connection, "exit 7") == (Exited(7), b"", b"")


def ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""


def numbers(last: int) -> bytes:
    """What `seq 1 LAST` prints."""
    return b"".join(b"%d\n" % number for number in range(1, last + 1))


@contextlib.contextmanager
def fake_shell(directory: Path) -> Iterator[FarHost]:
    """The fake server, which runs commands by this machine's shell."""
    if shutil.which("sh") is None or sys.platform == "win32":
        pytest.skip("the fake server has no POSIX shell here")

    def handler(session: Session) -> None:
        argv = ["sh", "-c", session.command.decode()]
        serve_subprocess(session, argv, env=os.environ, cwd=directory)

    with fake_host(directory, handler=handler) as host:
        yield FarHost("fake", host.ssh_config)


@contextlib.contextmanager
def dropbear_host(account: Account, directory: Path) -> Iterator[FarHost]:
    """Dropbear, for logins as `account`."""
    with running_dropbear(directory, account.name) as server:
        account.authorize(generate_key_pair(server.client_key))
        yield FarHost("dropbear", server.ssh_config)
