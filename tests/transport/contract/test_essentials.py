"""What every client relies on, in commands that the fake server can play on any system."""

from __future__ import annotations

import _thread
import dataclasses
import signal
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    ChannelError,
    ConnectionLost,
    Exited,
    HostConfig,
    Signalled,
    connect,
)
from tests.fakes.both_streams import random_bytes
from tests.fakes.cutting_proxy import CuttingProxy
from tests.fakes.scenarios import ENDLESS
from tests.transport.contract.hosts import Ran, ignore, run, runs_on

if TYPE_CHECKING:
    from collections.abc import Iterator


def run_once(host: HostConfig, command: str, stdin: bytes = b"") -> Ran:
    with connect(host) as connection:
        return run(connection, command, stdin)


@pytest.mark.parametrize("status", [0, 1, 7, 128, 255])
def test_exit_status(host: HostConfig, status: int) -> None:
    assert run_once(host, f"exit {status}") == (Exited(status), b"", b"")


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_exit_signal(host: HostConfig, name: str) -> None:
    end, _, _ = run_once(host, f"kill -{name} $$")
    assert isinstance(end, Signalled)
    assert end.name == name


def test_streams_stay_apart(host: HostConfig) -> None:
    command = "printf out; printf err >&2; exit 3"
    assert run_once(host, command) == (Exited(3), b"out", b"err")


def test_bytes_stay_bytes(host: HostConfig) -> None:
    assert run_once(host, r"printf '\000\377\r\n'")[1] == b"\x00\xff\r\n"


def test_command_may_be_bytes(host: HostConfig) -> None:
    with connect(host) as connection:
        process = connection.start(b"exit 7")
        assert process.drain(ignore, ignore) == Exited(7)


def test_stdin_comes_back(host: HostConfig) -> None:
    sent = random_bytes(3, 5_000_000)
    end, out, _ = run_once(host, "cat", sent)
    assert (end, out == sent) == (Exited(0), True)


def test_stdin_that_is_not_read_is_no_error(host: HostConfig) -> None:
    assert run_once(host, "exit 7", bytes(5_000_000))[0] == Exited(7)


def test_late_output_is_awaited(host: HostConfig) -> None:
    assert run_once(host, "sleep 0.3; echo late") == (Exited(0), b"late\n", b"")


def test_one_line_in_one_line_out(host: HostConfig) -> None:
    out = bytearray()
    with connect(host) as connection, connection.start("head -n 1") as process:
        process.write(b"one\n")
        assert process.drain(out.extend, ignore) == Exited(0)
    assert out == b"one\n"


def test_channels_one_after_the_other(host: HostConfig) -> None:
    with connect(host) as connection:
        for status in (7, 0, 255, 1):
            end = connection.run(f"exit {status}", stdout=ignore, stderr=ignore)
            assert end == Exited(status)


def test_two_processes_at_the_same_time(host: HostConfig) -> None:
    with connect(host) as connection:
        first, second = connection.start("cat"), connection.start("cat")
        second.close_stdin()
        assert second.drain(ignore, ignore) == Exited(0)
        first.close_stdin()
        assert first.drain(ignore, ignore) == Exited(0)


def test_signal_reaches_the_process(host: HostConfig) -> None:
    with connect(host) as connection, connection.start(ENDLESS) as process:
        end = process.drain(lambda _data: process.signal("TERM"), ignore)
    assert isinstance(end, Signalled)
    assert end.name == "TERM"


def test_sink_that_raises_ends_the_drain(host: HostConfig) -> None:
    class FullError(Exception):
        pass

    def full(_data: bytes) -> None:
        raise FullError

    with connect(host) as connection:
        process = connection.start(ENDLESS)
        with pytest.raises(FullError):
            process.drain(full, ignore)
        with pytest.raises(ChannelError):
            process.write(b"x")
        assert runs_on(connection)


def test_cut_line_is_lost_and_never_a_status(host: HostConfig) -> None:
    out = bytearray()
    with CuttingProxy(host.port) as proxy:

        def take(data: bytes) -> None:
            out.extend(data)
            if len(out) >= 15:
                proxy.cut()

        with connect(_through(proxy, host)) as connection:
            process = connection.start(ENDLESS)
            with pytest.raises(ConnectionLost) as caught:
                process.drain(take, ignore)
            with pytest.raises(ConnectionLost):
                process.write(b"x")
            with pytest.raises(ConnectionLost):
                connection.start("true")
    lost = caught.value
    assert out == b"tick\n" * (len(out) // 5)
    assert (lost.stdout_bytes, lost.stderr_bytes) == (len(out), 0)
    assert lost.idle_seconds is not None
    assert lost.idle_seconds >= 0
    assert f"{len(out)} bytes of stdout" in lost.message


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, even in tests run in the background, which ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_interrupted_drain_goes_on_without_loss(host: HostConfig) -> None:
    out = bytearray()

    def take_and_interrupt(data: bytes) -> None:
        out.extend(data)
        if out == b"before":
            _thread.interrupt_main()  # as Ctrl-C does

    with connect(host) as connection, connection.start("cat") as process:
        process.write(b"before")
        with pytest.raises(KeyboardInterrupt):
            process.drain(take_and_interrupt, ignore)
        process.write(b" and after")
        process.close_stdin()
        assert process.drain(out.extend, ignore) == Exited(0)
    assert out == b"before and after"


def test_close_by_us_is_told_from_a_loss(host: HostConfig) -> None:
    with connect(host) as connection, connection.start("cat") as process:
        process.close()
        with pytest.raises(ChannelError):
            process.drain(ignore, ignore)


def _through(proxy: CuttingProxy, host: HostConfig) -> HostConfig:
    return dataclasses.replace(host, port=proxy.port, host_key_alias=host.known_hosts_name)
