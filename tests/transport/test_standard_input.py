"""Reading stdin as its bytes come, and no longer than is wanted."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import connect
from qxub.transport.completion import Exited
from qxub.transport.local_terminal import StandardInput
from qxub.transport.running import feed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_bytes_as_they_come(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    with StandardInput(source) as stdin:
        for data in (b"a", b"\x00\xff\r\n", b"\x1a"):
            os.write(sink, data)
            assert stdin.read(100) == data
        os.write(sink, b"abc")
        assert stdin.read(2) == b"ab"
    assert os.read(source, 100) == b"c"


def test_the_end_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\r\n\x1a\n")
    descriptor = os.open(tmp_path / "file", os.O_RDONLY | getattr(os, "O_BINARY", 0))
    with StandardInput(descriptor) as stdin:
        assert [stdin.read(100), stdin.read(100)] == [b"\r\n\x1a\n", b""]
    os.close(descriptor)


def test_what_cannot_be_read_is_not_at_its_end(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    with StandardInput(descriptor) as stdin, pytest.raises(OSError, match="Bad file descriptor"):
        stdin.read(100)
    os.close(descriptor)


def test_the_block_ends_the_reading(pipe: tuple[int, int]) -> None:
    """And what comes after it is somebody else's."""
    source, sink = pipe
    found: list[bytes] = []
    with StandardInput(source) as stdin:
        reader = threading.Thread(target=lambda: found.append(stdin.read(100)))
        reader.start()
        time.sleep(0.2)  # so that it mostly waits by then; the test holds if it does not
    reader.join()
    assert found == [b""]
    assert stdin.read(100) == b""
    os.write(sink, b"later")
    assert os.read(source, 100) == b"later"


def test_a_process_that_ends_ends_the_feeding(host: HostConfig, pipe: tuple[int, int]) -> None:
    source, sink = pipe
    out: list[bytes] = []
    with connect(host) as connection, StandardInput(source) as stdin:
        process = connection.start("head -n 1")
        feed(process, stdin)
        os.write(sink, b"one\n")
        assert process.drain(out.append, lambda _: None) == Exited(0)
    os.write(sink, b"two\n")
    assert os.read(source, 100) == b"two\n"
    assert out == [b"one\n"]
