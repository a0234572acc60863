"""Ctrl-C at any moment of a drain: called again, it goes on, and nothing is lost.

QXUB_SSH_SEED repeats the moments that a failure names.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from qxub.transport import Exited
from tests.transport.contract.hosts import numbers, scaled

if TYPE_CHECKING:
    from types import FrameType

    from tests.transport.contract.hosts import FarHost

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="interrupts by POSIX timers")

SEED = int(os.environ.get("QXUB_SSH_SEED", Random().randrange(1_000_000)))  # noqa: S311
HANG = 60
LAST = 20_000
OUTPUT = numbers(LAST)


def test_drain_is_interrupted_anywhere(far_sshd: FarHost) -> None:
    if sys.platform == "win32":
        return  # for mypy
    choose, rounds = Random(SEED), scaled(300)  # noqa: S311 - reproducible, not secret
    deadline = 0.0

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        assert time.monotonic() < deadline, f"QXUB_SSH_SEED={SEED}: hangs"
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with far_sshd.connect() as connection:
            for _ in range(rounds):
                deadline = time.monotonic() + HANG
                out, err = bytearray(), bytearray()
                process = connection.start(f"seq 1 {LAST}; seq 1 {LAST} >&2; exit 7")
                end, interrupts = None, 0
                while end is None:
                    try:
                        signal.setitimer(signal.ITIMER_REAL, choose.uniform(1e-6, 0.01), 0.05)
                        end = process.drain(out.extend, err.extend)
                        signal.setitimer(signal.ITIMER_REAL, 0)
                    except KeyboardInterrupt:
                        interrupts += 1
                assert end == Exited(7), f"QXUB_SSH_SEED={SEED}"
                assert (out == OUTPUT, err == OUTPUT) == (True, True), f"QXUB_SSH_SEED={SEED}"
                process.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
