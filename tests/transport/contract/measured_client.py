"""A client in a process of its own, so that its memory and CPU time can be measured: on Linux.

`python -m tests.transport.contract.measured_client FILE slow_reader BYTES RATE` and
`… FILE idle SECONDS` print one JSON object about a session with the `target` of an ssh_config.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.transport import Exited, connect, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from qxub.transport import HostConfig

LONGEST_NAP = 0.01
PAUSE = 1.0
"""seconds in which a reader takes nothing at first, while the writer does what it can"""
ZEROS = bytes(16 * 1024 * 1024)


def memory(field: str) -> int:
    """What this process has now (VmRSS) or had at most (VmHWM), in bytes: see proc(5)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def ignore(_data: bytes) -> None:
    """Take output that is not looked at."""


class SlowReader:
    """A sink that takes `rate` bytes a second."""

    def __init__(self, rate: int) -> None:
        self.count = 0
        self.exact = True
        self._rate = rate
        self._begun = 0.0

    def take(self, data: bytes) -> None:
        """Take data, and sleep for as long as it was too fast."""
        if not self.count:
            self._begun = time.monotonic() + PAUSE
        self.count += len(data)
        self.exact = self.exact and data == ZEROS[: len(data)]
        due = self._begun + self.count / self._rate
        while (early := due - time.monotonic()) > 0:
            time.sleep(min(early, LONGEST_NAP))


def slow_reader(host: HostConfig, size: int, rate: int) -> dict[str, object]:
    """Read zeros more slowly than they are written."""
    reader, strays = SlowReader(rate), bytearray()
    with connect(host) as connection:
        connection.run("head -c 1000000 /dev/zero", stdout=ignore, stderr=ignore)
        before = memory("VmHWM")
        command = f"head -c {size} /dev/zero"
        end = connection.run(command, stdout=reader.take, stderr=strays.extend)
        growth = memory("VmHWM") - before
    status = end.status if isinstance(end, Exited) else repr(end)
    exact = reader.exact and not strays
    return {"status": status, "bytes": reader.count, "exact": exact, "growth": growth}


def idle(host: HostConfig, seconds: int) -> dict[str, object]:
    """Wait for a process that says nothing for so long."""
    with connect(host) as connection:
        process = connection.start(f"sleep {seconds}; exit 7")
        before = os.times()
        begun = time.monotonic()
        end = process.drain(ignore, ignore)
        after = os.times()
    status = end.status if isinstance(end, Exited) else repr(end)
    cpu = after.user + after.system - before.user - before.system
    return {"status": status, "seconds": time.monotonic() - begun, "cpu": cpu}


MODES: dict[str, Callable[..., dict[str, object]]] = {"slow_reader": slow_reader, "idle": idle}


def main(file: str, mode: str, *numbers: str) -> None:
    host = resolve("target", config_file=Path(file))
    sys.stdout.write(json.dumps(MODES[mode](host, *map(int, numbers))))


if __name__ == "__main__":
    main(*sys.argv[1:])
