"""Every key that a host has, without logging in to it: what `qxub ssh trust` shows.

A server shows one key in a key exchange, so it is one exchange for each type of keys.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from qxub.transport import host_key_errors as errors
from qxub.transport.blobs import key_type
from qxub.transport.errors import ConnectError
from qxub.transport.host_keys import Standing, known_host
from qxub.transport.key_exchange import connect_seconds, exchange_keys
from qxub.transport.known_hosts import fingerprint
from qxub.transport.known_hosts_writer import add_known_key
from qxub.transport.lines import close_line, open_line
from qxub.transport.paramiko_hooks import HookedTransport, shut_down
from qxub.transport.prompter import NOBODY
from qxub.transport.revoked_keys import revoked_in
from qxub.transport.ssh_config.algorithms import OURS

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport.connection import Connection
    from qxub.transport.host_config import HostConfig
    from qxub.transport.host_keys import KnownHost
    from qxub.transport.prompter import Prompter

_TYPES = (
    *(("ssh-ed25519",), ("ecdsa-sha2-nistp256",), ("ecdsa-sha2-nistp384",)),
    *(("ecdsa-sha2-nistp521",), ("rsa-sha2-512", "rsa-sha2-256")),
)


@dataclass(frozen=True)
class OfferedKey:
    """A key that a host has shown, what known_hosts says of it, and where."""

    key: bytes
    standing: Standing
    places: tuple[str, ...] = ()

    @property
    def key_type(self) -> str:
        """Its type, such as "ssh-ed25519"."""
        return key_type(self.key)

    @property
    def fingerprint(self) -> str:
        """Its fingerprint, such as "SHA256:47DE…"."""
        return fingerprint(self.key)


def way_to(host: HostConfig) -> tuple[HostConfig, ...]:
    """Give the jump hosts on the way to `host`, the nearest first, and `host` itself."""
    return (*way_to(host.jump), host) if host.jump else (host,)


def fetch_host_keys(
    host: HostConfig, jump: Connection | None = None, prompter: Prompter = NOBODY
) -> tuple[OfferedKey, ...]:
    """Ask `host`, by way of `jump` (its jump host), for a key of each type that it may have.

    A ProxyCommand has its say through `prompter`.
    HostKeyAlgorithms limits the types. Raises ResolveError, ConnectError, or what the jump host's
    tunnel raises; HostKeyChanged or HostKeyRevoked if a key is not to be trusted whatever anybody
    says; and HostKeyError if nobody can tell.
    """
    wanted = host.algorithms.get("hostkeyalgorithms") or OURS.defaults["hostkeyalgorithms"]
    keys = []
    for names in _TYPES:
        algorithms = [name for name in names if name in wanted]
        key = _fetch(host, jump, algorithms, prompter) if algorithms else None
        if key is not None:
            keys.append(key)
    if not keys:
        raise ConnectError(
            f"{host.alias}: {host.hostname} has no host key of a type that this client can use",
            host=host.alias,
        )
    return _judge(host, keys)


def trust_key(host: HostConfig, offered: OfferedKey) -> Path | None:
    """Add a key to the user's known_hosts file, and return that; None if it could not be added."""
    return add_known_key(host, offered.key)


def _judge(host: HostConfig, keys: list[bytes]) -> tuple[OfferedKey, ...]:
    """Look the keys up. A key of a further type is new if the host is known by another of them."""
    known = known_host(host)
    found = [known.find_key(key) for key in keys]
    is_known = any(finding.standing is Standing.KNOWN for finding in found)
    offered = []
    for key, finding in zip(keys, found):
        place = revoked_in(host, key, None)
        if finding.standing is Standing.REVOKED or place:
            what = errors.describe_key(key)
            raise errors.revoked(host, what, place or finding.lines[0].place)
        standing = finding.standing
        if standing is Standing.CHANGED:
            if not is_known or _has_type(known, key_type(key)):
                raise errors.changed(host, key, finding.lines)
            standing = Standing.UNKNOWN
        places = tuple(line.place for line in finding.lines)
        offered.append(OfferedKey(key, standing, places if standing is Standing.KNOWN else ()))
    return tuple(offered)


def _has_type(known: KnownHost, name: str) -> bool:
    return any(line.key_type == name for line in known.keys)


def _fetch(
    host: HostConfig, jump: Connection | None, algorithms: list[str], prompter: Prompter
) -> bytes | None:
    """Do one key exchange. None: the server has no key for these algorithms."""
    deadline = time.monotonic() + connect_seconds(host)
    sock = open_line(host, jump, deadline, prompter)
    transport = HookedTransport(sock, algorithms)
    try:
        transport.offer(host.algorithms, compression=False)
        exchange_keys(host, transport, deadline)
    except ConnectError as error:
        cause = error.__cause__
        # the same class as for ciphers and others; its text tells which kind is not shared
        if isinstance(cause, paramiko.ssh_exception.IncompatiblePeer) and "host" in str(cause):
            return None
        raise
    finally:
        shut_down(transport, sock)
        close_line(sock)
    return transport.host_key_blob
