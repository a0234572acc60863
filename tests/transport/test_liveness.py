"""A peer that stops answering is noticed; one that is only silent is left in peace."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from qxub.transport import ConnectionLost, Exited, HostConfig, connect, resolve
from qxub.transport.upkeep import DEFAULT_ALIVE_COUNT, DEFAULT_ALIVE_SECONDS, _liveness
from tests.fakes.cutting_proxy import CuttingProxy

if TYPE_CHECKING:
    from tests.fakes.ssh_host import FakeHost
    from tests.real.sshd import Sshd

HANG = 60
"""seconds after which something hangs: the peer is given up after three"""


def through(proxy: CuttingProxy, host: HostConfig, **settings: Any) -> HostConfig:
    return dataclasses.replace(
        host,
        port=proxy.port,
        host_key_alias=host.known_hosts_name,
        **{"server_alive_interval": 1, "server_alive_count_max": 2, **settings},
    )


def test_peer_that_stops_answering_is_lost(host: HostConfig) -> None:
    with CuttingProxy(host.port) as proxy, connect(through(proxy, host)) as connection:
        process = connection.start("cat")
        proxy.stall()
        begun = time.monotonic()
        with pytest.raises(ConnectionLost, match=r"connection was lost \(no answer for [34] s\)"):
            process.drain(_ignore, _ignore)
        assert time.monotonic() - begun < HANG
        with pytest.raises(ConnectionLost, match="opening a channel: no answer for"):
            connection.start("true")


def test_peer_that_stops_while_much_is_sent(host: HostConfig) -> None:
    """The line is full, so that not even the question for a sign of life can be sent."""
    with CuttingProxy(host.port) as proxy, connect(through(proxy, host)) as connection:
        process = connection.start("cat")
        proxy.stall()
        with pytest.raises(ConnectionLost):
            process.write(bytes(20_000_000))
        with pytest.raises(ConnectionLost, match="no answer for"):
            process.drain(_ignore, _ignore)


def test_peer_that_stops_while_a_channel_is_opened(host: HostConfig) -> None:
    with CuttingProxy(host.port) as proxy, connect(through(proxy, host)) as connection:
        proxy.stall()
        with pytest.raises(ConnectionLost, match="opening a channel: no answer for"):
            connection.start("cat")


def test_jump_host_that_stops_answering(sshd: Sshd) -> None:
    host = resolve("target", config_file=sshd.ssh_config)
    with CuttingProxy(host.port) as proxy:
        jump = dataclasses.replace(through(proxy, host), alias="jump")
        target = dataclasses.replace(host, jump=jump, server_alive_interval=1000)
        with connect(target) as connection:
            process = connection.start("cat")
            proxy.stall()
            with pytest.raises(ConnectionLost, match=r"\(jump host jump: no answer for [34] s\)"):
                process.drain(_ignore, _ignore)


def test_silent_peer_that_answers_is_left_in_peace(host: HostConfig) -> None:
    live = dataclasses.replace(host, server_alive_interval=1, server_alive_count_max=1)
    with connect(live) as connection:
        process = connection.start("cat")
        time.sleep(4)
        process.close_stdin()
        assert process.drain(_ignore, _ignore) == Exited(0)


def test_count_of_zero_never_ends_it(host: HostConfig) -> None:
    with CuttingProxy(host.port) as proxy:
        never = through(proxy, host, server_alive_count_max=0)
        with connect(never) as connection:
            proxy.stall()
            time.sleep(3)
            assert connection._transport.is_active()
            proxy.cut()


@pytest.mark.parametrize(
    ("interval", "count", "origin", "expected"),
    [
        (0, 3, None, (DEFAULT_ALIVE_SECONDS, DEFAULT_ALIVE_COUNT)),
        (0, 3, "default", (DEFAULT_ALIVE_SECONDS, DEFAULT_ALIVE_COUNT)),
        (0, 3, "config:3", (math.inf, 3)),
        (300, 3, "default", (300, 3)),
        (5, 7, "config:3", (5, 7)),
    ],
)
def test_what_the_configuration_means(
    interval: int, count: int, origin: str | None, expected: tuple[float, int]
) -> None:
    host = HostConfig(
        "h",
        "h",
        22,
        "u",
        server_alive_interval=interval,
        server_alive_count_max=count,
        origins={} if origin is None else {"serveraliveinterval": (origin,)},
    )
    assert _liveness(host) == expected


def test_no_thread_where_there_is_nothing_to_do(fake: FakeHost) -> None:
    off = dataclasses.replace(fake.config(), origins={"serveraliveinterval": ("config:1",)})
    with connect(off):
        assert "upkeep" not in {thread.name for thread in threading.enumerate()}
    with connect(fake.config()):
        assert "upkeep" in {thread.name for thread in threading.enumerate()}


def test_default_of_a_resolved_host_is_on(fake: FakeHost) -> None:
    assert _liveness(fake.config()) == (DEFAULT_ALIVE_SECONDS, DEFAULT_ALIVE_COUNT)


def _ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""
