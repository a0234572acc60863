"""The TCP connection to a host."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from qxub.transport.errors import ConnectError, ResolveError
from qxub.transport.translation import describe, translated

if TYPE_CHECKING:
    from qxub.transport.host_config import HostConfig


def dial(host: HostConfig, deadline: float) -> socket.socket:
    """Connect by TCP to the first address that answers. Raises ResolveError or ConnectError."""
    with translated(host.alias, f"looking up {host.hostname}", ResolveError):
        found = socket.getaddrinfo(host.hostname, host.port, type=socket.SOCK_STREAM)
    failures = []
    for index, (family, kind, protocol, _, address) in enumerate(found):
        share = max(0.1, (deadline - time.monotonic()) / (len(found) - index))
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(share)
            sock.connect(address)
            # Nagle's algorithm against delayed ACK costs 40 ms for every small exchange
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError as error:
            sock.close()
            timed_out = isinstance(error, socket.timeout)
            reason = f"no answer within {share:.3g} s" if timed_out else describe(error)
            failures.append(f"{address[0]} port {host.port}: {reason}")
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise ConnectError(
        f"{host.alias}: cannot connect to {host.hostname}: " + "; ".join(failures),
        hint="Check HostName and Port in ssh_config, the network, and whether a VPN is needed.",
        host=host.alias,
    )
