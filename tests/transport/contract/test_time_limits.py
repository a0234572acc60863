"""`run(timeout=)`, and Ctrl-C: what is ended, and what is known of it afterwards."""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import ConnectionLost, Exited, Signalled, TimedOut, connect, resolve, running
from tests.fakes.cutting_proxy import CuttingProxy
from tests.real.requirements import require
from tests.transport.contract.hosts import IS_ROOT, MIB, ignore, runs_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.sshd import Sshd
    from tests.transport.contract.hosts import FarHost

HANG = 60
YES = b"y\n" * MIB
TERMINATED = Signalled("TERM", core_dumped=False, message="")
KILLED = Signalled("KILL", core_dumped=False, message="")


@pytest.fixture
def _kills_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KILL_SECONDS", 0.5)


def test_one_that_ends_in_time(far: FarHost) -> None:
    out = bytearray()
    with far.connect() as connection:
        end = connection.run("echo out; exit 3", stdout=out.extend, stderr=ignore, timeout=HANG)
    assert (end, bytes(out)) == (Exited(3), b"out\n")


def test_one_that_does_not(far: FarHost) -> None:
    out = bytearray()
    with far.connect() as connection:
        command = "echo out; exec sleep 600"
        end = connection.run(command, stdout=out.extend, stderr=ignore, timeout=0.5)
        assert (end, bytes(out)) == (TimedOut(TERMINATED), b"out\n")
        assert runs_on(connection)


def test_one_that_tidies_up(far: FarHost) -> None:
    """What it writes and how it exits when it is told to end is part of the result."""
    out = bytearray()
    command = "trap 'echo tidied; exit 9' TERM; echo out; while :; do sleep 0.02; done"
    with far.connect() as connection:
        end = connection.run(command, stdout=out.extend, stderr=ignore, timeout=0.5)
    assert (end, bytes(out)) == (TimedOut(Exited(9)), b"out\ntidied\n")


@pytest.mark.usefixtures("_kills_soon")
def test_one_that_does_not_want_to_end(far: FarHost) -> None:
    command = "trap '' TERM; echo out; exec sleep 600"
    with far.connect() as connection:
        end = connection.run(command, stdout=ignore, stderr=ignore, timeout=0.5)
    assert end == TimedOut(KILLED)


def test_one_that_reads_nothing(far: FarHost) -> None:
    with far.connect() as connection:
        stdin = bytes(40 * MIB)
        end = connection.run(
            "exec sleep 600", stdin=stdin, stdout=ignore, stderr=ignore, timeout=0.5
        )
    assert end == TimedOut(TERMINATED)


def test_one_in_full_flow(far: FarHost) -> None:
    """What had come is there, in order, and no more than that."""
    count = 0

    def take(data: bytes) -> None:
        nonlocal count
        assert data == YES[count % 2 :][: len(data)]
        count += len(data)

    with far.connect() as connection:
        end = connection.run("exec yes", stdout=take, stderr=ignore, timeout=0.5)
    assert end == TimedOut(TERMINATED)
    assert count > MIB


@pytest.mark.usefixtures("_kills_soon")
def test_sink_that_is_stuck(far: FarHost) -> None:
    """The process is ended all the same; that its output was not taken, nobody could know."""
    go_on = threading.Event()
    with far.connect() as connection:
        command = "echo out; exec sleep 600"
        end = connection.run(command, stdout=lambda _: go_on.wait(), stderr=ignore, timeout=0.5)
        go_on.set()
        assert end == TimedOut(None)
        assert runs_on(connection)


def test_line_that_is_stuck(far: FarHost) -> None:
    with CuttingProxy(far.config.port) as proxy:
        name = far.config.known_hosts_name
        alive = {"server_alive_interval": 1, "server_alive_count_max": 2}
        with far.connect(port=proxy.port, host_key_alias=name, **alive) as connection:
            begun = time.monotonic()
            with contextlib.suppress(ConnectionLost):
                command = "echo up; exec sleep 5"
                end = connection.run(
                    command, stdout=lambda _data: proxy.stall(), stderr=ignore, timeout=1
                )
                assert end == TimedOut(None)
            assert time.monotonic() - begun < HANG


def test_where_sshd_passes_no_signals_on(sshd: Sshd) -> None:
    """In root's sessions: the channel is closed, and how the process ended is not known."""
    if not IS_ROOT:
        require("account", "only root can log in as root")
    with connect(resolve("target", config_file=sshd.ssh_config)) as connection:
        end = connection.run("echo out; exec sleep 2", stdout=ignore, stderr=ignore, timeout=0.5)
        refused = "session signalling requires privilege separation" in sshd.log()
        assert end == TimedOut(None if refused else TERMINATED)
        assert runs_on(connection)


@pytest.fixture
def _interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("timeout", [None, HANG])
def test_ctrl_c_closes_the_channel_and_not_the_connection(
    far: FarHost, timeout: float | None
) -> None:
    """The process waits for input, and so do we, from a pipe that nobody writes to."""
    reader, writer = os.pipe()
    stdin = open(reader, "rb", 0)  # noqa: PTH123, SIM115 - closed when nobody reads any more
    with stdin, open(writer, "wb"), far.connect() as connection:  # noqa: PTH123
        with pytest.raises(KeyboardInterrupt):
            connection.run(
                "echo up; cat",
                stdin=stdin,
                stdout=lambda _data: _thread.interrupt_main(),
                stderr=ignore,
                timeout=timeout,
            )
        assert runs_on(connection)
