"""Where output goes, and where input comes from: functions, files, memory with a bound."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.transport import ChannelError, ConnectionLost, Exited, Memory
from tests.fakes.both_streams import random_bytes
from tests.fakes.cutting_proxy import CuttingProxy
from tests.transport.contract.hosts import MIB, ignore, numbers, runs_on, scaled

if TYPE_CHECKING:
    from tests.transport.contract.hosts import FarHost

COUNT = "seq 1 100000; seq 1 50000 >&2; exit 7"
OUT, ERR = numbers(100_000), numbers(50_000)
NO_ROOM = Path("/dev/full")


@pytest.mark.parametrize("buffering", [0, -1], ids=["raw", "buffered"])
def test_files(far: FarHost, buffering: int, tmp_path: Path) -> None:
    """What is in them when the process has ended is all of it, before they are closed."""
    paths = tmp_path / "out", tmp_path / "err"
    with contextlib.ExitStack() as stack:
        out, err = (stack.enter_context(path.open("wb", buffering)) for path in paths)
        end = stack.enter_context(far.connect()).run(COUNT, stdout=out, stderr=err)
        read = tuple(path.read_bytes() for path in paths)
    assert (end, read == (OUT, ERR)) == (Exited(7), True)


def test_file_shows_a_prompt_at_once(far: FarHost, tmp_path: Path) -> None:
    """A prompt has no end of line; the one who answers reads the file."""
    path = tmp_path / "out"
    with far.connect() as connection, path.open("wb") as out:
        process = connection.start("printf 'name? '; read -r n; printf \"$n\"; exit 3")
        ends: list[object] = []
        drainer = threading.Thread(target=lambda: ends.append(process.drain(out, ignore)))
        drainer.start()
        waiting = threading.Event()
        while path.read_bytes() != b"name? ":
            waiting.wait(0.01)
        process.write(b"Ann\n")
        drainer.join()
    assert (ends, path.read_bytes()) == ([Exited(3)], b"name? Ann")


def test_memory_with_a_bound(far: FarHost) -> None:
    out, err = Memory(1000), Memory(10 * MIB)
    with far.connect() as connection:
        assert connection.run(COUNT, stdout=out, stderr=err) == Exited(7)
    assert (out.data, out.dropped) == (OUT[:1000], len(OUT) - 1000)
    assert (err.data == ERR, err.dropped) == (True, 0)


def test_both_streams_in_one_file(far: FarHost, tmp_path: Path) -> None:
    """As they come; nothing of either is lost."""
    path = tmp_path / "both"
    command = "seq -f out%.0f 1 20000 & seq -f err%.0f 1 20000 >&2; wait"
    with far.connect() as connection, path.open("wb", 0) as file:
        assert connection.run(command, stdout=file, stderr=file) == Exited(0)
    lines = b"".join(b"out%d\nerr%d\n" % (number, number) for number in range(1, 20_001))
    assert Counter(path.read_bytes()) == Counter(lines)


@pytest.mark.skipif(not NO_ROOM.exists(), reason="Linux' file on a full disk")
def test_full_disk(far: FarHost) -> None:
    with far.connect() as connection:
        with NO_ROOM.open("wb", 0) as file, pytest.raises(OSError, match="No space left"):
            connection.run(COUNT, stdout=file, stderr=ignore)
        assert runs_on(connection)


def test_closed_file(far: FarHost, tmp_path: Path) -> None:
    file = (tmp_path / "out").open("wb")
    file.close()
    with far.connect() as connection:
        with pytest.raises(ValueError, match="closed file"):
            connection.run(COUNT, stdout=file, stderr=ignore)
        assert runs_on(connection)


def test_input_from_a_file(far: FarHost, tmp_path: Path) -> None:
    sent = random_bytes(8, scaled(16 * MIB))
    (tmp_path / "in").write_bytes(sent)
    with far.connect() as connection, (tmp_path / "in").open("rb") as file:
        out = bytearray()
        end = connection.run("cat; exit 3", stdin=file, stdout=out.extend, stderr=ignore)
    assert (end, out == sent) == (Exited(3), True)


def test_input_from_a_pipe_is_passed_on_as_it_comes(far: FarHost) -> None:
    """The second line is written when the first has come back."""
    reader, writer = os.pipe()
    seen = b""

    def take(data: bytes) -> None:
        nonlocal seen
        seen += data
        if seen == b"one\n":
            os.write(writer, b"two\n")
        elif seen == b"one\ntwo\n":
            os.close(writer)

    os.write(writer, b"one\n")
    with far.connect() as connection, open(reader, "rb") as stdin:  # noqa: PTH123 - a descriptor
        assert connection.run("cat", stdin=stdin, stdout=take, stderr=ignore) == Exited(0)
    assert seen == b"one\ntwo\n"


def test_input_that_nobody_wants_is_not_read_to_its_end(far: FarHost) -> None:
    source = io.BytesIO(bytes(40 * MIB))
    with far.connect() as connection:
        end = connection.run("head -c 5; exit 3", stdin=source, stdout=ignore, stderr=ignore)
    assert end == Exited(3)
    assert source.tell() < 40 * MIB


def test_conversation(far: FarHost) -> None:
    """Reading, then draining the rest: nothing is missing between."""
    with far.connect() as connection, connection.start("cat; seq 1 100000; exit 3") as process:
        for number in range(scaled(500)):
            line, answer = b"%d\n" % number, b""
            process.write(line)
            while len(answer) < len(line):
                answer += process.read()
            assert answer == line
        process.close_stdin()
        rest = bytearray(process.read())
        assert process.drain(rest.extend, ignore) == Exited(3)
    assert rest == OUT


def test_reading_to_the_end(far: FarHost) -> None:
    with far.connect() as connection, connection.start("seq 1 100000; exit 3") as process:
        assert b"".join(iter(process.read, b"")) == OUT
        assert process.read(stderr=True) == b""
        assert process.drain(ignore, ignore) == Exited(3)


def test_reading_where_the_line_is_cut(far: FarHost) -> None:
    """What has come is given, then the end of the stream; that the line went, drain tells."""
    with CuttingProxy(far.config.port) as proxy:
        name = far.config.known_hosts_name
        with far.connect(port=proxy.port, host_key_alias=name) as connection:
            process = connection.start("echo up; exec cat")
            assert process.read() == b"up\n"
            proxy.cut()
            assert process.read() == b""
            with pytest.raises(ConnectionLost) as caught:
                process.drain(ignore, ignore)
    assert caught.value.stdout_bytes == 3


def test_reading_that_waits_is_ended_by_closing(far: FarHost) -> None:
    with far.connect() as connection, connection.start("cat") as process:
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.append(process.read()))
        reader.start()
        reader.join(0.3)
        process.close()
        reader.join()
        assert got == [b""]
        with pytest.raises(ChannelError):
            process.drain(ignore, ignore)


def test_input_that_cannot_be_read(far: FarHost) -> None:
    """The process is not told that its input has ended, which it has not."""

    class Broken(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(errno.EIO, "Input/output error")
            return super().read1(size)

    out = bytearray()
    with far.connect() as connection:
        source, command = Broken(b"abc"), "cat; echo complete"
        with pytest.raises(OSError, match="Input/output error"):
            connection.run(command, stdin=source, stdout=out.extend, stderr=ignore, timeout=20)
        assert runs_on(connection)
    assert b"complete" not in out
