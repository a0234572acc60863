"""The channel of the next command is opened before it is wanted, where it is in nobody's way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import Exited, connect, resolve
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport import Connection
    from tests.real.sshd import Sshd

SECONDS = 30.0
SECONDS_TO_FORGET = 0.5
"""for the server to count a session no more that has ended"""


def run(connection: Connection, command: str) -> object:
    return connection.run(command, stdout=lambda _data: None, stderr=lambda _data: None)


def opened(server: Sshd) -> int:
    return server.log().count("server_input_channel_open: ctype session")


def refused(server: Sshd) -> int:
    return server.log().count("server_input_channel_open: failure session")


def settles(server: Sshd, count: int) -> bool:
    """Whether so many channels come to be asked for."""
    deadline = time.monotonic() + SECONDS
    while opened(server) != count and time.monotonic() < deadline:
        time.sleep(0.05)
    return opened(server) == count


@pytest.mark.parametrize(("commands", "channels"), [(1, 1), (2, 3), (5, 6)])
def test_one_is_opened_ahead_from_the_second_command_on(
    tmp_path: Path, commands: int, channels: int
) -> None:
    with (
        running_sshd(tmp_path / "sshd", "LogLevel DEBUG1") as server,
        connect(resolve("target", config_file=server.ssh_config)) as connection,
    ):
        for status in range(commands):
            assert run(connection, f"exit {status}") == Exited(status)
        assert settles(server, channels)
        assert refused(server) == 0


def test_a_server_that_refuses_is_not_asked_again(tmp_path: Path) -> None:
    """With one session allowed, the one ahead is too many, unless the last has just ended."""
    with (
        running_sshd(tmp_path / "sshd", "LogLevel DEBUG1", "MaxSessions 1") as server,
        connect(resolve("target", config_file=server.ssh_config)) as connection,
    ):
        for status in range(3):  # the third learns what became of the one ahead
            assert run(connection, f"exit {status}") == Exited(status)
            time.sleep(SECONDS_TO_FORGET)
        assert refused(server) == 1
        before = opened(server)
        for status in range(3):
            assert run(connection, f"exit {status}") == Exited(status)
            time.sleep(SECONDS_TO_FORGET)
        assert opened(server) == before + 3


def test_the_one_ahead_serves_where_no_more_are_allowed(tmp_path: Path) -> None:
    with (
        running_sshd(tmp_path / "sshd", "MaxSessions 2") as server,
        connect(resolve("target", config_file=server.ssh_config)) as connection,
    ):
        assert [run(connection, f"exit {n}") for n in (1, 2)] == [Exited(1), Exited(2)]
        with connection.start("cat") as first:
            for status in range(20):
                assert run(connection, f"exit {status}") == Exited(status)
            first.close_stdin()
            assert first.drain(lambda _data: None, lambda _data: None) == Exited(0)


def test_a_spare_channel_goes_with_its_connection(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "sshd") as server:
        connection = connect(resolve("target", config_file=server.ssh_config))
        assert [run(connection, f"exit {n}") for n in (1, 2)] == [Exited(1), Exited(2)]
        connection.close()
        with pytest.raises(Exception, match="target: opening a channel"):
            connection.start("true")
