"""The line to a host, on which SSH is spoken; and speaking it, up to the login."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qxub.transport.authentication import authenticate
from qxub.transport.dialing import dial
from qxub.transport.host_key_check import check_host_key
from qxub.transport.host_keys import host_key_algorithms, known_host
from qxub.transport.key_exchange import connect_seconds, exchange_keys, offered_algorithms
from qxub.transport.paramiko_hooks import HookedTransport, shut_down
from qxub.transport.proxy_command import ProxySocket, run_proxy_command

if TYPE_CHECKING:
    from qxub.transport.connection import Connection
    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_hooks import SocketLike
    from qxub.transport.prompter import Prompter


def open_line(
    host: HostConfig, jump: Connection | None, deadline: float, prompter: Prompter
) -> SocketLike:
    """Open the line to `host`, on which SSH is spoken: a process, a tunnel or TCP."""
    if host.proxy_command is not None:
        return run_proxy_command(host, prompter)
    return jump.open_tunnel(host, deadline) if jump else dial(host, deadline)


def close_line(sock: SocketLike) -> None:
    """Close what `open_line` has opened."""
    sock.close()
    if isinstance(sock, ProxySocket):
        sock.join()


def log_in(
    host: HostConfig, sock: SocketLike, deadline: float, prompter: Prompter
) -> HookedTransport:
    """Key exchange, host-key check, and only then login."""
    known = known_host(host)
    transport = HookedTransport(sock, host_key_algorithms(host, known))
    try:
        transport.offer(offered_algorithms(host), compression=host.compression)
        if host.rekey_limit:
            transport.limit_keys(host.rekey_limit)
        exchange_keys(host, transport, deadline)
        check_host_key(host, known, transport.host_key_blob, prompter, sock=sock)
        authenticate(transport, host, time.monotonic() + connect_seconds(host), prompter)
    except BaseException:
        shut_down(transport, sock)
        raise
    return transport
