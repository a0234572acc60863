"""Several processes on one connection, each as if it were alone."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import pytest

from qxub.transport import ChannelError, Exited
from tests.fakes.both_streams import random_bytes
from tests.real.sshd import sshd_for
from tests.transport.contract.hosts import IS_ROOT, MIB, FarHost, Ran, ignore, run, runs_on, scaled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.accounts import Account

MANY = 8


def test_many_at_once(far: FarHost) -> None:
    """Each has its own bytes in, the same out, and its own status."""
    sent = [random_bytes(number, scaled(4 * MIB)) for number in range(MANY)]
    got: dict[int, Ran] = {}
    with far.connect() as connection:

        def work(number: int) -> None:
            got[number] = run(connection, f"cat; echo {number} >&2; exit {number}", sent[number])

        workers = [threading.Thread(target=work, args=(number,)) for number in range(MANY)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    for number in range(MANY):
        end, out, err = got[number]
        assert (end, err) == (Exited(number), b"%d\n" % number)
        assert hashlib.sha256(out).digest() == hashlib.sha256(sent[number]).digest()


def test_one_that_nobody_reads_holds_up_no_other(far: FarHost) -> None:
    """Each channel has its own window; only the one that is not drained stands still."""
    with far.connect() as connection, connection.start("head -c 20000000 /dev/zero") as unread:
        for status in range(10):
            assert run(connection, f"seq 1 1000; exit {status}").end == Exited(status)
        out = bytearray()
        assert unread.drain(out.extend, ignore) == Exited(0)
    assert out == bytes(20_000_000)


def test_one_whose_sink_is_stuck_holds_up_no_other(far: FarHost) -> None:
    stuck, go_on = threading.Event(), threading.Event()
    ends = []

    def take(_data: bytes) -> None:
        stuck.set()
        go_on.wait()

    with far.connect() as connection, connection.start("head -c 20000000 /dev/zero") as process:
        reader = threading.Thread(target=lambda: ends.append(process.drain(take, ignore)))
        reader.start()
        assert stuck.wait(60)
        for status in range(10):
            assert run(connection, f"seq 1 1000; exit {status}").end == Exited(status)
        go_on.set()
        reader.join()
    assert ends == [Exited(0)]


def test_one_that_is_closed_ends_no_other(far: FarHost) -> None:
    with far.connect() as connection, connection.start("cat") as process:
        others = [connection.start("while :; do echo x; sleep 0.01; done") for _ in range(MANY)]
        for other in others:
            other.close()
        process.write(b"still here")
        process.close_stdin()
        out = bytearray()
        assert process.drain(out.extend, ignore) == Exited(0)
        assert runs_on(connection)
    assert out == b"still here"


def test_one_that_is_left_behind_at_dropbear_ends_first(far_dropbear: FarHost) -> None:
    """It would take the channel that is being opened, or the whole connection, with it."""
    with far_dropbear.connect() as connection:
        left = connection.start("sleep 0.3")
        left.close()
        with connection.start("exit 7") as process:
            assert left._channel.chanid not in connection._transport.sessions
            assert process.drain(ignore, ignore) == Exited(7)


def test_closing_the_connection_ends_all(far: FarHost) -> None:
    caught = []
    with far.connect() as connection:
        processes = [connection.start("cat") for _ in range(MANY)]

        def work(number: int) -> None:
            with pytest.raises(Exception) as raised:  # noqa: PT011 - its class is compared below
                processes[number].drain(ignore, ignore)
            caught.append(type(raised.value).__name__)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(MANY)]
        for worker in workers:
            worker.start()
        connection.close()
        for worker in workers:
            worker.join()
    assert caught == ["ConnectionLost"] * MANY


@pytest.fixture
def few_sessions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FarHost]:
    """An sshd that allows so many sessions at a time on a connection."""
    account: Account | None = request.getfixturevalue("account") if IS_ROOT else None
    with sshd_for(account, tmp_path / "sshd", f"MaxSessions {request.param}") as server:
        yield FarHost("sshd", server.ssh_config)


@pytest.mark.parametrize("few_sessions", [0], indirect=True)
def test_server_that_allows_no_session(few_sessions: FarHost) -> None:
    with few_sessions.connect() as connection:
        for _ in range(2):
            with pytest.raises(ChannelError, match="target: opening a channel: "):
                connection.start("true")


@pytest.mark.parametrize("few_sessions", [1], indirect=True)
def test_start_waits_for_the_session_of_another(few_sessions: FarHost) -> None:
    ends = []
    with few_sessions.connect() as connection, connection.start("cat") as first:
        second = threading.Thread(target=lambda: ends.append(run(connection, "exit 9").end))
        second.start()
        second.join(1)
        assert (second.is_alive(), ends) == (True, [])
        first.close_stdin()
        assert first.drain(ignore, ignore) == Exited(0)
        second.join()
    assert ends == [Exited(9)]


@pytest.mark.parametrize("few_sessions", [1], indirect=True)
def test_one_session_after_the_other(few_sessions: FarHost) -> None:
    with few_sessions.connect() as connection:
        for status in range(100):
            assert run(connection, f"exit {status}").end == Exited(status)
