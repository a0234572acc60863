"""Servers that misbehave while a command runs: never a wrong status, and never a hang.

What breaks the protocol ends the connection, as ConnectionLost; what OpenSSH passes over is passed
over.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from qxub.transport import ChannelError, Exited, TimedOut
from tests.fakes.hostile_messages import (
    END,
    EOF,
    ERR,
    OUT,
    SEVEN,
    about,
    data,
    extended,
    number,
    request,
)
from tests.fakes.hostile_server import (
    CHANNEL_CLOSE,
    CHANNEL_CONFIRMATION,
    CHANNEL_DATA,
    CHANNEL_EOF,
    CHANNEL_EXTENDED_DATA,
    CHANNEL_FAILURE,
    CHANNEL_OPEN,
    CHANNEL_REQUEST,
    CHANNEL_SUCCESS,
    CHANNEL_WINDOW_ADJUST,
    DISCONNECT,
    IGNORE,
    USERAUTH_SUCCESS,
    Peer,
    sends,
    string,
    then,
)
from tests.transport.hostile import SECONDS_TO_END, check, commanded, connected, outcome

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport import Connection

pytestmark = pytest.mark.usefixtures("nothing_is_printed")

GLOBAL_REQUEST, REQUEST_FAILURE, CHANNEL_OPEN_FAILURE = 80, 82, 92

# What comes between the output and a good end.
PASSED_OVER: dict[str, tuple[bytes, ...]] = {
    "extended data of an unknown type": (extended(b"x", 2), extended(b"x", 0xFFFFFFFF)),
    "window beyond 2^32": (about(CHANNEL_WINDOW_ADJUST, number(0xFFFFFFFF)),) * 3,
    "window of nothing": (about(CHANNEL_WINDOW_ADJUST, number(0)),) * 3,
    "SUCCESS that nobody asked for": (about(CHANNEL_SUCCESS),) * 5,
    "FAILURE that nobody asked for": (about(CHANNEL_FAILURE),) * 5,
    "OPEN_FAILURE for an open channel": (
        about(CHANNEL_OPEN_FAILURE, number(1) + string(b"no") + string(b"")),
    ),
    "CONFIRMATION of nothing": (
        about(CHANNEL_CONFIRMATION, number(9, 1 << 20, 1 << 15), channel=77),
    ),
    "a login again": (bytes([USERAUTH_SUCCESS]),),
    "IGNORE, DEBUG and UNIMPLEMENTED": (
        bytes([IGNORE]) + string(b"x"),
        bytes([4, 1]) + string(b"\x1b[31m") + string(b""),
        bytes([3]) + number(5),
    ),
    "global requests": (bytes([GLOBAL_REQUEST]) + string(b"hostkeys-00@openssh.com") + b"\0",) * 3,
    "answers to global requests": (bytes([81]), bytes([REQUEST_FAILURE])) * 3,
}

UNKNOWN_CHANNEL: dict[str, bytes] = {
    "data": data(b"x", channel=5),
    "extended data": about(CHANNEL_EXTENDED_DATA, number(1) + string(b"x"), channel=5),
    "window": about(CHANNEL_WINDOW_ADJUST, number(1), channel=5),
    "EOF": about(CHANNEL_EOF, channel=5),
    "CLOSE": about(CHANNEL_CLOSE, channel=5),
    "request": about(CHANNEL_REQUEST, string(b"x") + b"\0", channel=5),
    "SUCCESS": about(CHANNEL_SUCCESS, channel=5),
    "FAILURE": about(CHANNEL_FAILURE, channel=0xFFFFFFFF),
}

MALFORMED: dict[str, tuple[bytes, ...]] = {
    "data without a length": (about(CHANNEL_DATA),),
    "extended data without a type": (about(CHANNEL_EXTENDED_DATA),),
    "extended data with a lie": (about(CHANNEL_EXTENDED_DATA, number(1, 1000) + b"x"),),
    "no channel's number": (bytes([CHANNEL_DATA, 0, 0]),),
}


@pytest.mark.parametrize("case", PASSED_OVER)
def test_what_is_passed_over(case: str, tmp_path: Path) -> None:
    payloads = (OUT, *PASSED_OVER[case], ERR, SEVEN, *END)
    with commanded(then(sends(*payloads), Peer.stall), tmp_path) as process:
        assert outcome(process) == (Exited(7), b"abc", b"err")


@pytest.mark.parametrize("case", UNKNOWN_CHANNEL)
def test_channel_that_was_never_opened(case: str, tmp_path: Path) -> None:
    """OpenSSH ends the connection, too."""
    payloads = (OUT, UNKNOWN_CHANNEL[case], SEVEN, *END)
    with commanded(then(sends(*payloads), Peer.stall), tmp_path) as process:
        got, out, _ = outcome(process)
    check(got, "")
    assert out == b"abc"


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_messages(case: str, tmp_path: Path) -> None:
    with commanded(
        then(sends(OUT, *MALFORMED[case], SEVEN, *END), Peer.stall), tmp_path
    ) as process:
        got, out, err = outcome(process)
    check(got, "")
    assert (out, err) == (b"abc", b"")


def test_goodbye_while_a_command_runs(tmp_path: Path) -> None:
    goodbye = bytes([DISCONNECT]) + number(11) + string(b"go\x1b[31m away") + string(b"")
    with commanded(then(sends(OUT, goodbye), Peer.stall), tmp_path) as process:
        got, out, _ = outcome(process)
    check(got, r"(go\x1b[31m away)")
    assert out == b"abc"


def test_more_than_the_window(tmp_path: Path) -> None:
    """Nothing is taken from us, so the server has no more room than it was given at first."""
    piece = data(bytes(30_000))

    def floods(peer: Peer) -> None:
        for _ in range(3000):
            peer.packet(piece)

    with commanded(then(floods, Peer.stall), tmp_path) as process:
        transport: Any = process._transport
        transport.join(SECONDS_TO_END)
        assert not transport.is_alive()
        got, out, _ = outcome(process)
    check(got, "more than there was room for")
    assert len(out) < 20_000_000
    assert out == bytes(len(out))


@pytest.mark.parametrize(
    "kind", ["session", "x11", "forwarded-tcpip", "auth-agent@openssh.com", ""]
)
def test_channels_that_the_server_wants_are_refused(kind: str, tmp_path: Path) -> None:
    opening = bytes([CHANNEL_OPEN]) + string(kind.encode()) + number(3, 1 << 20, 1 << 15)
    refused: list[bytes] = []

    def opens(peer: Peer) -> None:
        peer.packet(opening + string(b"127.0.0.1") + number(1) + string(b"127.0.0.1") + number(2))
        refused.append(peer.read_until(CHANNEL_OPEN_FAILURE))
        sends(OUT, SEVEN, *END)(peer)
        peer.stall()

    with commanded(opens, tmp_path) as process:
        assert outcome(process)[:2] == (Exited(7), b"abc")
    assert refused[0][1:5] == number(3)


def test_flood_of_requests_that_want_a_reply(tmp_path: Path) -> None:
    """Each is answered, and the answers are counted while the flood goes on."""
    count = 10_000
    answers: list[bytes] = []

    def floods(peer: Peer) -> None:
        reader = threading.Thread(target=counts, args=(peer,))
        reader.start()
        sends(OUT, *[request(b"x@y", reply=True)] * count, SEVEN, *END)(peer)
        reader.join()
        peer.stall()

    def counts(peer: Peer) -> None:
        while len(answers) < count:
            answers.append(peer.read_until(CHANNEL_FAILURE))

    with commanded(floods, tmp_path) as process:
        assert outcome(process)[:2] == (Exited(7), b"abc")


@pytest.mark.skipif(sys.platform == "win32", reason="Wine wakes no send() by shutdown()")
def test_flood_of_requests_whose_replies_are_not_read(tmp_path: Path) -> None:
    """No sign of life comes any more, as our answers have filled the line: that ends it."""

    def floods(peer: Peer) -> None:
        while True:
            peer.packet(request(b"x" * 1000, reply=True))

    alive = {"server_alive_interval": 1, "server_alive_count_max": 2}
    with commanded(then(sends(OUT), floods), tmp_path, **alive) as process:
        got, out, _ = outcome(process)
    check(got, "")
    assert out == b"abc"


@pytest.mark.parametrize("largest", [0, 1, 100, 0xFFFFFFFF])
def test_odd_sizes_of_packets_that_we_may_send(largest: int, tmp_path: Path) -> None:
    """What is written arrives whole, in pieces of some size."""
    sent, got = bytes(range(256)) * 40, bytearray()

    def reads(peer: Peer) -> None:
        peer.command(largest=largest)
        while len(got) < len(sent):
            message = peer.read_until(CHANNEL_DATA)
            got.extend(message[9:])
        sends(SEVEN, *END)(peer)
        peer.stall()

    with connected(reads, tmp_path) as connection, connection.start("true") as process:
        process.write(sent)
        assert outcome(process)[0] == Exited(7)
    assert got == sent


def test_no_window_for_ever(tmp_path: Path) -> None:
    """A write waits for it, until it is ended by closing."""
    caught: list[ChannelError] = []

    def write() -> None:
        with pytest.raises(ChannelError, match="writing to stdin") as raised:
            process.write(b"abc")
        caught.append(raised.value)

    with connected(then(lambda peer: peer.command(window=0), Peer.stall), tmp_path) as connection:
        process = connection.start("true")
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(0.5)
        assert writer.is_alive()
        process.close()
        writer.join(SECONDS_TO_END)
        assert len(caught) == 1


def in_time(connection: Connection, **arguments: Any) -> object:
    """What `run` gives, within reason."""
    got: list[object] = []
    sinks: dict[str, Any] = {"stdout": bytes, "stderr": bytes}
    run = threading.Thread(
        target=lambda: got.append(connection.run("true", **sinks, **arguments)), daemon=True
    )
    run.start()
    run.join(SECONDS_TO_END)
    assert got, "hangs"
    return got[0]


@pytest.mark.parametrize("stdin", [b"abc", bytes(1 << 20)], ids=["little", "much"])
def test_process_that_ends_and_never_gave_window(stdin: bytes, tmp_path: Path) -> None:
    """Its end is told, whether or not the server closes the channel."""
    behaviour = then(lambda peer: peer.command(window=0), sends(OUT, EOF, SEVEN), Peer.stall)
    with connected(behaviour, tmp_path) as connection:
        assert in_time(connection, stdin=stdin) == Exited(7)


@pytest.mark.parametrize("stdin", [b"abc", bytes(1 << 20)], ids=["little", "much"])
def test_time_limit_where_there_is_no_window(stdin: bytes, tmp_path: Path) -> None:
    def refuses_the_signal(peer: Peer) -> None:
        peer.command(window=0)
        peer.read_until(CHANNEL_REQUEST)
        peer.packet(about(CHANNEL_FAILURE))
        peer.stall()

    with connected(refuses_the_signal, tmp_path) as connection:
        assert in_time(connection, stdin=stdin, timeout=0.5) == TimedOut(None)


def test_command_that_is_refused(tmp_path: Path) -> None:
    behaviour = then(Peer.channel, sends(about(CHANNEL_FAILURE)), Peer.stall)
    refused = pytest.raises(ChannelError, match="^far: the server refused the command$")
    with connected(behaviour, tmp_path) as connection, refused:
        connection.start("true")


@pytest.mark.parametrize("empty", [data(b""), extended(b"")], ids=["stdout", "stderr"])
def test_empty_data_is_no_end(empty: bytes, tmp_path: Path) -> None:
    """It is passed on by the time that more comes."""

    def behave(peer: Peer) -> None:
        peer.packet(empty)
        peer.done.wait(0.3)
        sends(OUT, ERR, SEVEN, *END)(peer)
        peer.stall()

    with commanded(behave, tmp_path) as process:
        assert outcome(process) == (Exited(7), b"abc", b"err")


def test_channel_that_is_closed_instead_of_an_answer(tmp_path: Path) -> None:
    behaviour = then(Peer.channel, sends(*END), Peer.stall)
    with connected(behaviour, tmp_path) as connection:
        with pytest.raises(ChannelError, match="^far: ") as caught:
            connection.start("true")
        assert connection._transport.is_active()
    assert "connection was closed" not in caught.value.message  # it lives
