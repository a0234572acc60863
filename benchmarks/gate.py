"""Timing a far command without the start-up that goes before it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from benchmarks.peers import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

SECONDS_TO_START = 60.0


class Gate:
    """Holds back the far command until the clock runs; far and near are one machine here."""

    def __init__(self, directory: Path, fifo: BinaryIO) -> None:
        self._ready = directory / "ready"
        self._fifo = fifo

    def behind(self, command: str) -> str:
        """Give a shell command that says when it is there, waits, and then does `command`."""
        return f": >'{self._ready}'; read go <'{self._fifo.name}'; {command}"

    def open(self) -> float:
        """Wait for the far command, start the clock and let it run; give the clock's reading.

        Raises RuntimeError when it is not there within a minute.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._ready.exists():
            if time.monotonic() > deadline:
                raise RuntimeError("the far command did not start")
            time.sleep(0.001)
        self._ready.unlink()
        start = time.perf_counter()
        self._fifo.write(b"\n")
        return start


@contextlib.contextmanager
def gate_in(directory: Path) -> Iterator[Gate]:
    """Make a gate, with its two files in `directory`."""
    path = directory / "gate"
    run(["mkfifo", str(path)])
    with path.open("r+b", buffering=0) as fifo:  # for both, so that opening it waits for nobody
        yield Gate(directory, fifo)
