"""What a remote process is, whichever server runs it: the fake and OpenSSH's sshd alike."""

from __future__ import annotations

import _thread
import dataclasses
import hashlib
import random
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
from tests.fakes.scenarios import BIG, BIG_ON_BOTH_STREAMS, ENDLESS

if TYPE_CHECKING:
    from collections.abc import Iterator


class Collected:
    """Sinks that keep what they are given."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.err = bytearray()


def run(host: HostConfig, command: str, stdin: bytes = b"") -> tuple[object, bytes, bytes]:
    got = Collected()
    with connect(host) as connection:
        end = connection.run(command, stdin=stdin, stdout=got.out.extend, stderr=got.err.extend)
    return end, bytes(got.out), bytes(got.err)


@pytest.mark.parametrize("status", [0, 1, 7, 128, 255])
def test_exit_status(host: HostConfig, status: int) -> None:
    assert run(host, f"exit {status}") == (Exited(status), b"", b"")


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_exit_signal(host: HostConfig, name: str) -> None:
    end, _, _ = run(host, f"kill -{name} $$")
    assert isinstance(end, Signalled)
    assert end.name == name


def test_streams_stay_apart(host: HostConfig) -> None:
    command = "printf out; printf err >&2; exit 3"
    assert run(host, command) == (Exited(3), b"out", b"err")


def test_bytes_stay_bytes(host: HostConfig) -> None:
    assert run(host, r"printf '\000\377\r\n'")[1] == b"\x00\xff\r\n"


def test_command_may_be_bytes(host: HostConfig) -> None:
    with connect(host) as connection:
        process = connection.start(b"exit 7")
        assert process.drain(_ignore, _ignore) == Exited(7)


def test_much_on_both_streams_at_once(host: HostConfig) -> None:
    end, out, err = run(host, BIG_ON_BOTH_STREAMS)
    assert end == Exited(0)
    assert (len(out), len(err)) == (BIG, BIG)
    assert _sha256(out) == _sha256(random_bytes(1, BIG))
    assert _sha256(err) == _sha256(random_bytes(2, BIG))


def test_stdin_comes_back(host: HostConfig) -> None:
    sent = random.Random(3).randbytes(5_000_000)  # noqa: S311 - reproducible, not secret
    end, out, _ = run(host, "cat", stdin=sent)
    assert end == Exited(0)
    assert _sha256(out) == _sha256(sent)


def test_stdin_that_is_not_read_is_no_error(host: HostConfig) -> None:
    assert run(host, "exit 7", stdin=bytes(5_000_000))[0] == Exited(7)


def test_late_output_is_awaited(host: HostConfig) -> None:
    assert run(host, "sleep 0.3; echo late") == (Exited(0), b"late\n", b"")


def test_one_line_in_one_line_out(host: HostConfig) -> None:
    got = Collected()
    with connect(host) as connection, connection.start("head -n 1") as process:
        process.write(b"one\n")
        assert process.drain(got.out.extend, got.err.extend) == Exited(0)
    assert got.out == b"one\n"


def test_channels_one_after_the_other(host: HostConfig) -> None:
    with connect(host) as connection:
        for status in (7, 0, 255, 1):
            end = connection.run(f"exit {status}", stdout=_ignore, stderr=_ignore)
            assert end == Exited(status)


def test_two_processes_at_the_same_time(host: HostConfig) -> None:
    with connect(host) as connection:
        first, second = connection.start("cat"), connection.start("cat")
        second.close_stdin()
        assert second.drain(_ignore, _ignore) == Exited(0)
        first.close_stdin()
        assert first.drain(_ignore, _ignore) == Exited(0)


def test_background_child_is_awaited(host: HostConfig) -> None:
    """The status comes first, and the child's output after it is delivered, as with ssh."""
    end, out, _ = run(host, "echo out; { sleep 0.5; echo child; } & exit 3")
    assert (end, out) == (Exited(3), b"out\nchild\n")


def test_signal_reaches_the_process(host: HostConfig) -> None:
    if host.user == "root":
        # sshd: "session signalling requires privilege separation", which root's logins have not
        pytest.skip("sshd passes no signals on to root's sessions")
    with connect(host) as connection, connection.start(ENDLESS) as process:
        end = process.drain(lambda _data: process.signal("TERM"), _ignore)
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
            process.drain(full, _ignore)
        with pytest.raises(ChannelError):
            process.write(b"x")
        assert connection.run("exit 7", stdout=_ignore, stderr=_ignore) == Exited(7)


def test_cut_line_is_lost_and_never_a_status(host: HostConfig) -> None:
    got = Collected()
    with CuttingProxy(host.port) as proxy:

        def take(data: bytes) -> None:
            got.out.extend(data)
            if len(got.out) >= 15:
                proxy.cut()

        with connect(_through(proxy, host)) as connection:
            process = connection.start(ENDLESS)
            with pytest.raises(ConnectionLost) as caught:
                process.drain(take, got.err.extend)
            with pytest.raises(ConnectionLost):
                process.write(b"x")
            with pytest.raises(ConnectionLost):
                connection.start("true")
    lost = caught.value
    assert got.out == b"tick\n" * (len(got.out) // 5)
    assert (lost.stdout_bytes, lost.stderr_bytes) == (len(got.out), 0)
    assert lost.idle_seconds is not None
    assert lost.idle_seconds >= 0
    assert f"{len(got.out)} bytes of stdout" in lost.message


def test_cut_line_in_a_flood(host: HostConfig) -> None:
    got = Collected()
    with CuttingProxy(host.port) as proxy:

        def take(data: bytes) -> None:
            got.out.extend(data)
            if len(got.out) >= 1_000_000:
                proxy.cut()

        with connect(_through(proxy, host)) as connection:
            process = connection.start(BIG_ON_BOTH_STREAMS)
            with pytest.raises(ConnectionLost) as caught:
                process.drain(take, got.err.extend)
    received = (caught.value.stdout_bytes, caught.value.stderr_bytes)
    assert received == (len(got.out), len(got.err))
    assert random_bytes(1, BIG).startswith(bytes(got.out))
    assert random_bytes(2, BIG).startswith(bytes(got.err))


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, even in tests run in the background, which ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_interrupted_drain_goes_on_without_loss(host: HostConfig) -> None:
    got = Collected()

    def take_and_interrupt(data: bytes) -> None:
        got.out.extend(data)
        if got.out == b"before":
            _thread.interrupt_main()  # as Ctrl-C does

    with connect(host) as connection, connection.start("cat") as process:
        process.write(b"before")
        with pytest.raises(KeyboardInterrupt):
            process.drain(take_and_interrupt, got.err.extend)
        process.write(b" and after")
        process.close_stdin()
        assert process.drain(got.out.extend, got.err.extend) == Exited(0)
    assert got.out == b"before and after"


def test_close_by_us_is_told_from_a_loss(host: HostConfig) -> None:
    with connect(host) as connection, connection.start("cat") as process:
        process.close()
        with pytest.raises(ChannelError):
            process.drain(_ignore, _ignore)


def _through(proxy: CuttingProxy, host: HostConfig) -> HostConfig:
    return dataclasses.replace(host, port=proxy.port, host_key_alias=host.known_hosts_name)


def _ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
