"""The line ends anywhere, in any way: each time as the right kind of error, and never as a status.

QXUB_SSH_SEED repeats the places that a failure names.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    Exited,
    TransportError,
)
from tests.fakes.both_streams import random_bytes
from tests.fakes.cutting_proxy import WAYS, CuttingProxy
from tests.transport.contract.hosts import ignore, numbers, scaled

if TYPE_CHECKING:
    from qxub.transport import Connection
    from tests.transport.contract.hosts import FarHost

SEED = int(os.environ.get("QXUB_SSH_SEED", Random().randrange(1_000_000)))  # noqa: S311
SETTINGS = {"connect_timeout": 5.0, "server_alive_interval": 1, "server_alive_count_max": 2}
HANG = 30
"""seconds after which something hangs: key exchange and login have 5 s each, silence has 3 s"""
COMMAND, STDIN, STDERR = "cat; seq 1 3000 >&2; exit 7", random_bytes(4, 30_000), numbers(3000)
BYTES_OF_LOGIN, BYTES_OF_ALL = 5_000, 80_000
"""about what passes in both directions; of the places for a cut, half are in each"""
AT_ONCE = {"dropbear": 4}
"""Dropbear takes five logins at a time from one address"""


@dataclass
class Cut:
    """One session whose line ends when `after` bytes have passed."""

    after: int
    way: str
    begun: float = 0.0
    fault: str = ""

    def run(self, far: FarHost) -> None:
        """Note in `fault` what is wrong with the way in which the session ends."""
        self.begun = time.monotonic()
        try:
            with CuttingProxy(far.config.port, after=self.after, way=self.way) as proxy:
                self.fault = self._session(far, proxy)
        except BaseException as error:  # noqa: BLE001 - reported by the test, from its own thread
            self.fault = f"raised {error!r}"

    def _session(self, far: FarHost, proxy: CuttingProxy) -> str:
        name = far.config.known_hosts_name
        try:
            connection = far.connect(port=proxy.port, host_key_alias=name, **SETTINGS)
        except (ConnectError, AuthenticationError, ConnectionLost) as error:
            return "" if proxy.has_ended.is_set() else f"was not cut: {error!r}"
        with connection:
            return _command(connection, proxy)


def _command(connection: Connection, proxy: CuttingProxy) -> str:
    out, err = bytearray(), bytearray()
    got: object
    try:
        got = connection.run(COMMAND, stdin=STDIN, stdout=out.extend, stderr=err.extend)
    except TransportError as error:
        got = error
    if not (STDIN.startswith(out) and STDERR.startswith(err)):
        return f"gave {len(out)} and {len(err)} bytes that are no beginning of what was sent"
    if got == Exited(7):
        return "" if (len(out), len(err)) == (len(STDIN), len(STDERR)) else f"{got} too early"
    if not isinstance(got, ConnectionLost) or not proxy.has_ended.is_set():
        return f"ended with {got!r}"
    counted = (got.stdout_bytes, got.stderr_bytes)
    return "" if counted == (len(out), len(err)) else f"counts {counted}: {len(out), len(err)}"


def test_cuts_anywhere(far: FarHost) -> None:
    choose = Random(SEED)  # noqa: S311 - reproducible, not secret
    places = [
        choose.randrange(choose.choice((BYTES_OF_LOGIN, BYTES_OF_ALL))) for _ in range(scaled(100))
    ]
    cuts = [Cut(after, WAYS[number % len(WAYS)]) for number, after in enumerate(places)]
    _run_all(cuts, far, AT_ONCE.get(far.server, 20))
    wrong = [f"{cut.way} after {cut.after} bytes: {cut.fault}" for cut in cuts if cut.fault]
    assert not wrong, "\n".join([f"QXUB_SSH_SEED={SEED}", *wrong])


def _run_all(cuts: list[Cut], far: FarHost, at_once: int) -> None:
    """Run the sessions, so many at once, and watch from outside that none hangs."""
    waiting: queue.SimpleQueue[Cut | None] = queue.SimpleQueue()
    for cut in [*cuts, *[None] * at_once]:
        waiting.put(cut)

    def work() -> None:
        for cut in iter(waiting.get, None):
            running[threading.current_thread()] = cut
            cut.run(far)

    running: dict[threading.Thread, Cut] = {}
    workers = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        time.sleep(0.05)
        for worker, cut in list(running.items()):
            hangs = worker.is_alive() and time.monotonic() - cut.begun > HANG
            assert not hangs, f"QXUB_SSH_SEED={SEED}: hangs: {cut}"


def test_cut_in_a_flood(far: FarHost) -> None:
    """Both streams are in full flow when the line is cut."""
    out, err, sent = bytearray(), bytearray(), numbers(2_000_000)
    with CuttingProxy(far.config.port) as proxy:

        def take(data: bytes) -> None:
            out.extend(data)
            if len(out) >= 1_000_000:
                proxy.cut()

        name = far.config.known_hosts_name
        with far.connect(port=proxy.port, host_key_alias=name) as connection:
            process = connection.start("seq 1 2000000 & seq 1 2000000 >&2; wait")
            with pytest.raises(ConnectionLost) as caught:
                process.drain(take, err.extend)
    counted = (caught.value.stdout_bytes, caught.value.stderr_bytes)
    assert counted == (len(out), len(err))
    assert sent.startswith(out)
    assert sent.startswith(err)


def test_whole_session_through_the_proxy(far: FarHost) -> None:
    """Uncut, it is what the cuts are measured by."""
    with CuttingProxy(far.config.port) as proxy:
        name = far.config.known_hosts_name
        with far.connect(port=proxy.port, host_key_alias=name) as connection:
            assert BYTES_OF_LOGIN / 3 < proxy.passed < BYTES_OF_LOGIN
            end = connection.run(COMMAND, stdin=STDIN, stdout=ignore, stderr=ignore)
            assert end == Exited(7)
            assert BYTES_OF_ALL * 0.9 < proxy.passed < BYTES_OF_ALL


def test_line_that_takes_nothing_any_more(far: FarHost) -> None:
    """The sender notices it before the reader: it is a lost line all the same."""
    with CuttingProxy(far.config.port) as proxy:
        name = far.config.known_hosts_name
        with far.connect(port=proxy.port, host_key_alias=name) as connection:
            process = connection.start("cat")
            proxy.stall()
            connection._sock.shutdown(socket.SHUT_WR)
            with pytest.raises(ConnectionLost):
                process.write(b"x")
            with pytest.raises(ConnectionLost):
                process.signal("TERM")
            with pytest.raises(ConnectionLost):
                connection.start("true")
