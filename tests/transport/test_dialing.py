"""Dialing: which addresses, from where, in which order, how often, and how long."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from qxub.transport import ConnectError, HostConfig, ResolveError
from qxub.transport.dialing import dial

if TYPE_CHECKING:
    from collections.abc import Iterator

HANG = 60
"""seconds after which something hangs"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that answers no SYN: nobody accepts, and the queue of those who wait is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def host_at(port: int, name: str = "127.0.0.1", **settings: Any) -> HostConfig:
    return HostConfig("far", name, port, "u", **settings)


def soon(seconds: float = HANG) -> float:
    return time.monotonic() + seconds


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def found(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    entries = []
    for name, port in addresses:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        rest = (0, 0) if family is socket.AF_INET6 else ()
        entries.append((family, socket.SOCK_STREAM, 6, "", (name, port, *rest)))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kw: entries)


def test_socket_is_set_up(port: int) -> None:
    with dial(host_at(port), soon()) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.gettimeout() is None


def test_tcp_keep_alive_may_be_off(port: int) -> None:
    with dial(host_at(port, tcp_keep_alive=False), soon()) as sock:
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address")
def test_bind_address(port: int) -> None:
    with dial(host_at(port, bind_address="127.0.0.5"), soon()) as sock:
        assert sock.getsockname()[0] == "127.0.0.5"


def test_bind_address_of_another_family(port: int) -> None:
    with pytest.raises(ConnectError, match="BindAddress ::1 cannot be used for IPv4"):
        dial(host_at(port, bind_address="::1"), soon())


def test_bind_address_that_is_not_ours(port: int) -> None:
    with pytest.raises(ConnectError, match=r"BindAddress 192\.0\.2\.1 cannot be used for IPv4"):
        dial(host_at(port, bind_address="192.0.2.1"), soon())


def test_address_family_decides(port: int) -> None:
    with pytest.raises(ResolveError, match=r"looking up 127\.0\.0\.1"):
        dial(host_at(port, address_family="inet6"), soon())
    with dial(host_at(port, address_family="inet"), soon()) as sock:
        assert sock.family is socket.AF_INET


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on loopback")
def test_ipv6() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        port = listener.getsockname()[1]
        with dial(host_at(port, "::1", address_family="inet6"), soon()) as sock:
            assert sock.family is socket.AF_INET6


def test_dead_address_before_a_living_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at once, so the next is not kept waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    found(monkeypatch, ("127.0.0.1", closed), ("127.0.0.1", port))
    with dial(host_at(port), soon()) as sock:
        assert sock.getpeername()[1] == port


@pytest.mark.skipif(sys.platform != "linux", reason="others refuse where Linux lets wait")
def test_silent_address_before_a_living_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as silent:
        found(monkeypatch, ("127.0.0.1", silent), ("127.0.0.1", port))
        with dial(host_at(port), soon()) as sock:
            assert sock.getpeername()[1] == port


@pytest.mark.skipif(sys.platform != "linux", reason="others refuse where Linux lets wait")
def test_silent_address_ends_in_time() -> None:
    begun = time.monotonic()
    with silent_port() as silent, pytest.raises(ConnectError, match=r"no answer within 0\.(49|5)"):
        dial(host_at(silent, connection_attempts=100), soon(0.5))
    assert time.monotonic() - begun < HANG


def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    from qxub.transport.dialing import _look_up

    names = ["::1", "::2", "::3", "127.0.0.1", "127.0.0.2"]
    found(monkeypatch, *((name, 22) for name in names))
    order = [address[0] for *_, address in _look_up(host_at(22))]
    assert order == ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]


def test_connection_attempts() -> None:
    """A server that comes up a moment late, as after a restart."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError):
        dial(host_at(port), soon())
    servers: list[socket.socket] = []
    starter = threading.Timer(
        0.5, lambda: servers.append(socket.create_server(("127.0.0.1", port)))
    )
    starter.start()
    try:
        dial(host_at(port, connection_attempts=30), soon()).close()
    finally:
        starter.join()
        servers[0].close()


def test_losers_are_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """ResourceWarning is an error here, so this shows in the sockets that are left."""
    found(monkeypatch, *[("127.0.0.1", port)] * 20)
    dial(host_at(port), soon()).close()
