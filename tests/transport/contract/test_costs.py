"""What a long session costs the client: memory and CPU time, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.transport.contract.hosts import MIB, scaled

if TYPE_CHECKING:
    from tests.transport.contract.hosts import FarHost

FLOOD = 1024
"""MiB that a writer has for a slow reader"""
RATES = {"fake": 40, "sshd": 100, "dropbear": 40}
"""MiB that this reader takes a second: about half of what the server could write"""


def measure(far: FarHost, mode: str, *numbers: int) -> dict[str, Any]:
    argv = [sys.executable, "-m", "tests.transport.contract.measured_client"]
    argv += [str(far.ssh_config), mode, *map(str, numbers)]
    checkout = Path(__file__).parents[3]
    done = subprocess.run(argv, cwd=checkout, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measured by Linux' /proc")
def test_reader_that_is_slower_than_the_writer(far: FarHost) -> None:
    """The backlog stays over there: here is never more than the window."""
    size = scaled(FLOOD) * MIB
    got = measure(far, "slow_reader", size, RATES[far.server] * MIB)
    assert (got["status"], got["bytes"], got["exact"]) == (0, size, True)
    assert got["growth"] < 32 * MIB


@pytest.mark.slow
def test_idle_stream_costs_no_cpu(far_sshd: FarHost) -> None:
    seconds = max(5, scaled(30))
    got = measure(far_sshd, "idle", seconds)
    assert got["status"] == 7
    assert got["seconds"] >= seconds - 1
    assert got["cpu"] < 0.1
