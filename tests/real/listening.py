"""Where a port is listened to."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from tests.real.requirements import require

LISTEN = "0A"  # TCP_LISTEN in Linux's net/tcp_states.h


def listening_addresses(port: int) -> set[str]:
    """The local addresses on which the port is listened to, as proc(5) shows them."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not tables[0].exists():
        require("procfs", "no /proc/net/tcp on this machine")
    rows = [row for table in tables if table.exists() for row in table.read_text().splitlines()[1:]]
    lines = [row.split() for row in rows]
    local = [fields[1].split(":") for fields in lines if fields[3] == LISTEN]
    return {readable(address) for address, hex_port in local if int(hex_port, 16) == port}


def readable(address: str) -> str:
    """An IPv4 address is one number in the byte order of the machine; others stay as they are."""
    if len(address) != 8:
        return address
    return socket.inet_ntoa(struct.pack("=I", int(address, 16)))
