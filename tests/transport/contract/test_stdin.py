"""stdin: every byte, in order; and processes that do not want it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from qxub.transport import ChannelError, Exited
from tests.fakes.both_streams import random_bytes
from tests.transport.contract.hosts import MIB, ignore, run, scaled

if TYPE_CHECKING:
    from tests.transport.contract.hosts import FarHost


def test_much_comes_back(far: FarHost) -> None:
    sent = random_bytes(7, scaled(64 * MIB))
    end, out, err = far.run("cat", sent)
    assert (end, out == sent, err) == (Exited(0), True, b"")


def test_no_input(far: FarHost) -> None:
    assert far.run("cat; exit 3") == (Exited(3), b"", b"")


def test_many_small_writes(far: FarHost) -> None:
    count = scaled(20_000)
    out = bytearray()
    with far.connect() as connection, connection.start("cat") as process:

        def feed() -> None:
            for number in range(count):
                process.write(b"%d\n" % number)
            process.close_stdin()

        feeder = threading.Thread(target=feed)
        feeder.start()
        assert process.drain(out.extend, ignore) == Exited(0)
        feeder.join()
    assert out == b"".join(b"%d\n" % number for number in range(count))


def test_end_of_file_is_told_and_the_output_goes_on(far: FarHost) -> None:
    end, out, _ = far.run("wc -c; sleep 0.2; echo after; exit 3", bytes(1_000_000))
    assert (end, out.split()) == (Exited(3), [b"1000000", b"after"])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("exit 7", (Exited(7), b"", b"")),
        ("sleep 0.3; exit 7", (Exited(7), b"", b"")),
        ("exec <&-; sleep 0.3; echo out; exit 7", (Exited(7), b"out\n", b"")),
        ("head -c 10; sleep 0.1; exit 7", (Exited(7), bytes(10), b"")),
        ("head -c 10; exec <&-; seq 1 5; exit 7", (Exited(7), bytes(10) + b"1\n2\n3\n4\n5\n", b"")),
    ],
    ids=["ends", "ends later", "closes it", "reads a little", "reads a little and closes it"],
)
def test_more_than_it_reads(
    far: FarHost, command: str, expected: tuple[object, bytes, bytes]
) -> None:
    """5 MB are more than all windows and pipes on the way hold."""
    with far.connect() as connection:
        assert run(connection, command, bytes(5 * MIB)) == expected
        assert run(connection, "cat", b"next").out == b"next"


def test_write_to_a_process_that_has_ended(far: FarHost) -> None:
    """The channel may be open for a moment more: then what the window holds is taken, no more."""
    with far.connect() as connection, connection.start("exit 7") as process:
        assert process.drain(ignore, ignore) == Exited(7)
        with pytest.raises(ChannelError, match="writing to stdin"):
            process.write(bytes(5 * MIB))


def test_write_after_end_of_file(far: FarHost) -> None:
    with far.connect() as connection, connection.start("cat") as process:
        process.close_stdin()
        with pytest.raises(ChannelError, match="writing to stdin"):
            process.write(b"x")
        process.close_stdin()  # again, which changes nothing
        assert process.drain(ignore, ignore) == Exited(0)


def test_write_that_waits_is_ended_by_closing(far: FarHost) -> None:
    """The process reads nothing, so a write of more than the window waits."""
    out, caught = bytearray(), []
    with far.connect() as connection:
        process = connection.start("echo $$; exec sleep 600")

        def write() -> None:
            with pytest.raises(ChannelError, match="writing to stdin") as raised:
                process.write(bytes(5 * MIB))
            caught.append(raised.value)

        def take(data: bytes) -> None:
            out.extend(data)
            process.close()

        writer = threading.Thread(target=write)
        writer.start()
        with pytest.raises(ChannelError):
            process.drain(take, ignore)
        writer.join()
        assert len(caught) == 1
        assert run(connection, f"kill {int(out)}").end == Exited(0)
