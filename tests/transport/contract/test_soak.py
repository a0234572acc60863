"""Very many short commands on one connection leave nothing behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from qxub.transport import Exited
from tests.transport.contract.hosts import MIB, ignore, scaled
from tests.transport.contract.measured_client import memory

if TYPE_CHECKING:
    from qxub.transport import Connection
    from tests.transport.contract.hosts import FarHost

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts by Linux' /proc")

COMMANDS = 2000
SETTLED = 500
"""commands after which nothing may grow any more"""


@pytest.fixture(params=["fake", "sshd"])
def two(request: pytest.FixtureRequest, far_fake: FarHost, far_sshd: FarHost) -> FarHost:
    """Those that start a command quickly."""
    return far_fake if request.param == "fake" else far_sshd


def test_many_short_commands(two: FarHost) -> None:
    with two.connect() as connection:
        _run_many(connection, SETTLED)
        before = _held()
        _run_many(connection, _more())
        after = _held()
    assert after["threads"] <= before["threads"]
    assert after["descriptors"] <= before["descriptors"]
    assert after["memory"] < before["memory"] + 4 * MIB  # the allocator's own coming and going


def _more() -> int:
    return max(200, scaled(COMMANDS - SETTLED))


def _run_many(connection: Connection, count: int) -> None:
    for number in range(count):
        status = number % 256
        end = connection.run(f"exit {status}", stdout=ignore, stderr=ignore)
        assert end == Exited(status)


def _held() -> dict[str, int]:
    """What this process has."""
    gc.collect()
    return {
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - counted only
        "memory": memory("VmRSS"),
    }
