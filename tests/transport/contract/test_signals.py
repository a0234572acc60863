"""Signals that a client asks for (RFC 4254 section 6.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qxub.transport import ChannelError, Exited, Signalled, connect, resolve
from tests.real.requirements import require
from tests.transport.contract.hosts import IS_ROOT, ignore, runs_on

if TYPE_CHECKING:
    from qxub.transport import Completion, RemoteProcess
    from tests.real.sshd import Sshd
    from tests.transport.contract.hosts import FarHost

SPINS = "echo up; while :; do sleep 0.02; done"


def drained_with(process: RemoteProcess, signal: str) -> tuple[Completion, bytes]:
    """Send the signal when the process is up, and give its end and what it writes after that."""
    out = bytearray()

    def take(data: bytes) -> None:
        out.extend(data)
        if out == b"up\n":
            assert process.signal(signal)  # the server says that it has passed it on

    end = process.drain(take, ignore)
    return end, bytes(out).removeprefix(b"up\n")


@pytest.mark.parametrize("name", ["HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2"])
def test_signal_kills(far: FarHost, name: str) -> None:
    with far.connect() as connection, connection.start(SPINS) as process:
        end, _ = drained_with(process, name)
    assert end == Signalled(name, core_dumped=False, message="")


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"])
def test_signal_is_caught(far: FarHost, name: str) -> None:
    with far.connect() as connection:
        process = connection.start(f"trap 'echo caught; exit 9' {name}; {SPINS}")
        assert drained_with(process, name) == (Exited(9), b"caught\n")


@pytest.mark.parametrize("name", ["ABRT", "ALRM", "PIPE", "SEGV"])
def test_signals_that_sshd_does_not_know(far: FarHost, name: str) -> None:
    """Its session.c passes on seven; Dropbear and the fake take all that have a name."""
    answers = f"trap 'echo caught; exit 9' {name}; echo up; read -r line; echo read; exit 8"
    with far.connect() as connection, connection.start(answers) as process:

        def take(data: bytes) -> None:
            if data == b"up\n":
                passed_on = process.signal(name, otherwise=lambda: process.write(b"line\n"))
                assert passed_on == (far.server != "sshd")

        end = process.drain(take, ignore)
    assert end == (Exited(8) if far.server == "sshd" else Exited(9))


@pytest.mark.parametrize("name", ["", "NOSUCH", "SIGTERM", "term", "é", "9"])
def test_signal_that_is_none_is_ignored(far: FarHost, name: str) -> None:
    with far.connect() as connection, connection.start("cat") as process:
        asked_otherwise = []
        assert not process.signal(name, otherwise=lambda: asked_otherwise.append(name))
        assert asked_otherwise == [name]
        process.write(b"still here")
        process.close_stdin()
        out = bytearray()
        assert process.drain(out.extend, ignore) == Exited(0)
    assert out == b"still here"


def test_signal_to_a_process_that_has_ended(far: FarHost) -> None:
    """Of a channel that is closed sshd knows nothing: it would end the connection."""
    with far.connect() as connection, connection.start("exit 7") as process:
        assert process.drain(ignore, ignore) == Exited(7)
        assert runs_on(connection)  # so that the server's CLOSE has come as well
        assert not process.signal("TERM")
        assert runs_on(connection)


def test_no_signal_for_those_who_closed_the_channel(far: FarHost) -> None:
    with far.connect() as connection, connection.start("cat") as process:
        process.close()
        assert not process.signal("TERM")
        with pytest.raises(ChannelError):
            process.drain(ignore, ignore)


def test_sshd_passes_none_on_to_root(sshd: Sshd) -> None:
    """Unless it separates privileges for root, too; its log tells."""
    if not IS_ROOT:
        require("account", "only root can log in as root")
    with connect(resolve("target", config_file=sshd.ssh_config)) as connection:
        process = connection.start("echo up; exec cat")

        def take(_data: bytes) -> None:
            process.signal("TERM")
            process.close_stdin()

        end = process.drain(take, ignore)
    refused = "session signalling requires privilege separation" in sshd.log()
    assert end == (Exited(0) if refused else Signalled("TERM", core_dumped=False, message=""))
