"""One stream's way to its sink, and the sinks."""

from __future__ import annotations

import _thread
import io
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport.sinks import Memory, sink_of
from qxub.transport.stream import PIECE_BYTES, Stream, Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable


class Watched:
    """A stream, and what it does."""

    def __init__(self) -> None:
        self.changed = Wakeup()
        self.given_back: list[int] = []
        self.stream = Stream(self.changed.set, self.given_back.append)

    def await_end(self) -> None:
        assert self.changed.wait(10)
        assert self.stream.ended


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_what_came_before_the_sink_is_passed_on() -> None:
    watched, got = Watched(), bytearray()
    watched.stream.feed(b"one")
    watched.stream.feed(b"two")
    watched.stream.close()
    assert not watched.stream.ended
    watched.stream.pass_to(got.extend)
    watched.await_end()
    assert got == b"onetwo"
    assert sum(watched.given_back) == watched.stream.received == 6


def test_nothing_needs_no_thread() -> None:
    watched, before = Watched(), threading.active_count()
    watched.stream.pass_to(lambda _data: None)
    watched.stream.close()
    watched.await_end()
    assert threading.active_count() == before


def test_small_pieces_are_put_together_while_the_sink_is_busy() -> None:
    watched, pieces, may_go_on = Watched(), [], threading.Event()

    def sink(data: bytes) -> None:
        pieces.append(data)
        may_go_on.wait(10)

    watched.stream.pass_to(sink)
    watched.stream.feed(b"x")
    until(lambda: len(pieces) == 1)
    for _ in range(2 * PIECE_BYTES):
        watched.stream.feed(b"y")
    watched.stream.close()
    may_go_on.set()
    watched.await_end()
    assert pieces == [b"x", b"y" * PIECE_BYTES, b"y" * PIECE_BYTES]
    assert {type(piece) for piece in pieces} == {bytes}


def test_what_the_sink_raises_is_kept_and_ends_the_stream() -> None:
    watched, error = Watched(), RuntimeError("full")

    def sink(_data: bytes) -> None:
        raise error

    watched.stream.pass_to(sink)
    watched.stream.feed(b"x")
    watched.await_end()
    assert watched.stream.error is error
    assert (watched.stream.received, watched.given_back) == (0, [])


def test_a_stopped_stream_passes_nothing_on() -> None:
    watched, got = Watched(), bytearray()
    watched.stream.feed(b"x")
    watched.stream.stop()
    watched.stream.pass_to(got.extend)
    watched.await_end()
    assert got == b""


def test_another_sink_takes_over() -> None:
    watched, first, second = Watched(), bytearray(), bytearray()
    watched.stream.pass_to(first.extend)
    watched.stream.feed(b"one")
    until(lambda: first == b"one")
    watched.stream.pass_to(second.extend)
    watched.stream.feed(b"two")
    watched.stream.close()
    watched.await_end()
    assert first == b"one"
    assert second == b"two"


def test_reading_without_a_sink() -> None:
    watched = Watched()
    threading.Timer(0.05, watched.stream.feed, [b"one"]).start()
    assert watched.stream.read() == b"one"
    watched.stream.feed(b"two")
    watched.stream.close()
    assert (watched.stream.read(), watched.stream.read(), watched.stream.read()) == (
        b"two",
        b"",
        b"",
    )
    assert watched.given_back == [3, 3]


def test_reading_goes_on_after_ctrl_c() -> None:
    watched = Watched()
    for piece in (b"one", b"two"):
        threading.Timer(0.05, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            watched.stream.read()
        watched.stream.feed(piece)
        watched.stream.feed(piece)
        assert watched.stream.read() == piece + piece


def test_memory_has_a_bound() -> None:
    memory = Memory(5)
    for piece in (b"abc", b"def", b"ghi"):
        memory(piece)
    assert (memory.data, memory.dropped) == (b"abcde", 4)


class SlowFile(io.RawIOBase):
    """A raw file that takes two bytes at a time."""

    def __init__(self) -> None:
        self.taken = b""
        self.flushed = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.taken += data[:2]
        return len(data[:2])

    def flush(self) -> None:
        self.flushed += 1


def test_a_file_is_written_whole_and_flushed() -> None:
    file = SlowFile()
    sink_of(file)(b"abcde")
    assert (file.taken, file.flushed) == (b"abcde", 1)


@pytest.mark.parametrize("data", [b"", b"\0\xff\r\n"])
def test_a_buffered_file(data: bytes) -> None:
    file = io.BytesIO()
    sink_of(file)(data)
    assert file.getvalue() == data
