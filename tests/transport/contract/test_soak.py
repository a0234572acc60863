"""Very many short commands on one connection leave nothing behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Sized
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from qxub.transport import Exited, connect
from tests.transport.contract.hosts import MIB, ignore
from tests.transport.contract.measured_client import memory

if TYPE_CHECKING:
    from qxub.transport import Connection, HostConfig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts by Linux' /proc")

SETTLED, MORE = 1100, 900
"""commands before and after the first stock-taking; the last 1000 channels are remembered, so that
late messages about them are passed over"""


def test_many_short_commands(host: HostConfig) -> None:
    """The fake plays them, and starts no process."""
    with connect(host) as connection:
        _run_many(connection, SETTLED)
        before = _held(connection)
        blocks = sys.getallocatedblocks()
        _run_many(connection, MORE)
        gc.collect()
        blocks = sys.getallocatedblocks() - blocks
        after = _held(connection)
    assert after.threads <= before.threads
    assert after.descriptors <= before.descriptors
    assert after.memory < before.memory + 4 * MIB  # the allocator's own coming and going
    grown = {name for name, n in after.counts.items() if n > before.counts.get(name, 0) + MORE // 4}
    assert grown == set()
    assert blocks < MORE / 2  # of Python's memory: a number that is kept takes one


def _run_many(connection: Connection, count: int) -> None:
    for number in range(count):
        status = (0, 1, 7, 128, 255)[number % 5]
        end = connection.run(f"exit {status}", stdout=ignore, stderr=ignore)
        assert end == Exited(status)


class Held(NamedTuple):
    """What this process has."""

    threads: int
    descriptors: int
    memory: int
    counts: dict[str, int]


def _held(connection: Connection) -> Held:
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted only
    return Held(threading.active_count(), descriptors, memory("VmRSS"), _counts(connection))


def _counts(connection: Connection) -> dict[str, int]:
    """The sizes of the connection's tables, and how many objects there are of a kind."""
    transport: Any = connection._transport
    sizes = {
        f"{type(owner).__name__}.{name}": len(value)
        for owner in (connection, transport, transport.packetizer)
        for name, value in vars(owner).items()
        if isinstance(value, Sized) and not isinstance(value, (str, bytes))
    }
    kinds = Counter(type(thing).__qualname__ for thing in gc.get_objects())
    return {**sizes, **kinds}
