"""The TCP connection to a host: all of its addresses are raced (RFC 8305)."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import time
from typing import TYPE_CHECKING

from qxub.transport.errors import ConnectError, ResolveError
from qxub.transport.translation import describe, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    Address = tuple[Any, ...]  # of IPv4 or of IPv6: each family has its own

    from qxub.transport.host_config import HostConfig

FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
FAMILY_NAMES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
HEAD_START_SECONDS = 0.25
"""what an address gets before the next is tried as well (RFC 8305 section 5)"""
SECONDS_BETWEEN_ATTEMPTS = 1.0
"""as ssh_config(5) has it for ConnectionAttempts"""
WAIT_SECONDS = 0.2
"""how long a wait may ignore Ctrl-C where a signal does not interrupt it (Windows)"""
IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0))


def dial(host: HostConfig, deadline: float) -> socket.socket:
    """Connect by TCP to the first address that answers, before `deadline` on the monotonic clock.

    AddressFamily, BindAddress, ConnectionAttempts and TCPKeepAlive are heeded. The look-up of the
    name has the system's own limits. Raises ResolveError, or ConnectError with the failures.
    """
    addresses = _look_up(host)
    for attempt in range(max(1, host.connection_attempts)):
        if attempt:
            time.sleep(min(SECONDS_BETWEEN_ATTEMPTS, max(0.0, deadline - time.monotonic())))
        with contextlib.closing(_Race(host, addresses)) as race:
            sock = race.run(deadline)
        if sock is not None:
            return _prepared(sock, host)
        if time.monotonic() >= deadline:
            break
    raise ConnectError(
        f"{host.alias}: cannot connect to {host.hostname}: " + "; ".join(race.failures),
        hint="Check HostName and Port in ssh_config, the network, and whether a VPN is needed.",
        host=host.alias,
    )


def _look_up(host: HostConfig) -> list[Any]:
    """Give what getaddrinfo finds, its families in turn (RFC 8305 section 4)."""
    family = FAMILIES[host.address_family]
    with translated(host.alias, f"looking up {host.hostname}", ResolveError):
        found = socket.getaddrinfo(host.hostname, host.port, family, socket.SOCK_STREAM)
    first = [entry for entry in found if entry[0] == found[0][0]]
    others = [entry for entry in found if entry[0] != found[0][0]]
    mixed = [entry for pair in zip(first, others) for entry in pair]
    return mixed + first[len(others) :] + others[len(first) :]


class _Race:
    """One attempt at all addresses. `failures` tells of each that did not answer."""

    def __init__(self, host: HostConfig, addresses: Iterable[Any]) -> None:
        self.failures: list[str] = []
        self._host = host
        self._waiting = list(addresses)
        self._selector = selectors.DefaultSelector()
        self._begun = time.monotonic()

    def run(self, deadline: float) -> socket.socket | None:
        """Give the first socket that is connected, or None when none is before the deadline."""
        next_start = self._begun
        while self._waiting or self._selector.get_map():
            now = time.monotonic()
            if now >= deadline:
                self._give_up()
                return None
            if self._waiting and (now >= next_start or not self._selector.get_map()):
                self._start(*self._waiting.pop(0))
                next_start = now + HEAD_START_SECONDS
            until = min(deadline, next_start) if self._waiting else deadline
            for sock, name in self._answered(min(WAIT_SECONDS, max(0.0, until - now))):
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return sock
                self._fail(sock, name, _words(code))
        return None

    def close(self) -> None:
        """Close every socket but the winner's."""
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            key.data[0].close()
        self._selector.close()

    def _start(self, family: int, kind: int, protocol: int, _: str, address: Address) -> None:
        name = f"{address[0]} port {self._host.port}"
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # such as a system without IPv6
            self.failures.append(f"{name}: {describe(error)}")
            return
        try:
            sock.setblocking(False)
            self._bind(sock)
            code = sock.connect_ex(address)
        except OSError as error:
            self._fail(sock, name, describe(error))
        except BaseException:
            sock.close()
            raise
        else:
            if code not in (0, *IN_PROGRESS):
                self._fail(sock, name, _words(code))
            else:
                self._selector.register(sock, selectors.EVENT_WRITE, (sock, name))

    def _bind(self, sock: socket.socket) -> None:
        """Bind to BindAddress. Raises OSError, also where it has no address of this family."""
        if self._host.bind_address is None:
            return
        local = f"BindAddress {self._host.bind_address}"
        try:
            found = socket.getaddrinfo(
                self._host.bind_address, 0, sock.family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
            )
            sock.bind(found[0][4])
        except OSError as error:
            kind = FAMILY_NAMES.get(sock.family, str(sock.family))
            words = f"{local} cannot be used for {kind}: {describe(error)}"
            raise OSError(error.errno, words) from error

    def _answered(self, seconds: float) -> Iterator[tuple[socket.socket, str]]:
        """Wait for sockets that have connected or failed; they are then no longer watched."""
        if not self._selector.get_map():
            return  # on Windows, select() wants a socket at least
        for key, _ in self._selector.select(seconds):
            self._selector.unregister(key.fileobj)
            yield key.data

    def _fail(self, sock: socket.socket, name: str, reason: str) -> None:
        sock.close()
        self.failures.append(f"{name}: {reason}")

    def _give_up(self) -> None:
        seconds = time.monotonic() - self._begun
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fileobj)
            sock, name = key.data
            self._fail(sock, name, f"no answer within {seconds:.3g} s")
        for *_, address in self._waiting:
            self.failures.append(f"{address[0]} port {self._host.port}: not tried, no time left")


def _prepared(sock: socket.socket, host: HostConfig) -> socket.socket:
    sock.settimeout(None)
    # Nagle's algorithm against delayed ACK costs 40 ms for every small exchange
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(host.tcp_keep_alive))
    return sock


def _words(code: int) -> str:
    """Say what an error number of a socket means; Windows' strerror does not know them."""
    words: str = getattr(socket, "errorTab", {}).get(code) or os.strerror(code)
    return words
