"""Where a remote process's output goes: a function, a binary file, or memory with a bound."""

from __future__ import annotations

from typing import Callable, Protocol, Union


class BinaryWriter(Protocol):
    """What is asked of a file: opened in binary, buffered or not."""

    def write(self, data: bytes, /) -> int | None:
        """Take `data`, or its beginning; give how many bytes were taken."""


Sink = Callable[[bytes], object]
Target = Union[Sink, BinaryWriter]


class Memory:
    """A sink that keeps the first `limit` bytes, and counts the rest, which is `dropped`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.dropped = 0

    def __call__(self, data: bytes) -> None:
        """Take the next bytes."""
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        self.dropped += max(0, len(data) - room)

    @property
    def data(self) -> bytes:
        """What was kept."""
        return bytes(self._kept)


def sink_of(target: Target) -> Sink:
    """Give the function that takes bytes for `target`."""
    if callable(target):
        return target
    write, flush = target.write, getattr(target, "flush", lambda: None)

    def write_all(data: bytes) -> None:
        rest = data
        while rest:
            taken = write(rest)
            rest = b"" if taken is None else rest[taken:]
        flush()  # a prompt has no end of line, and is to appear at once

    return write_all
