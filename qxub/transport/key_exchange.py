"""The key exchange with a server, and what to say when it does not come about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qxub.transport.errors import ConnectError
from qxub.transport.paramiko_handshake import NoSharedAlgorithmError
from qxub.transport.proxy_command import ProxyEndedError
from qxub.transport.ssh_config.algorithms import OURS
from qxub.transport.translation import describe, printable, translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_hooks import HookedTransport

DEFAULT_CONNECT_SECONDS = 30.0

KINDS = {
    "kexalgorithms": ("KexAlgorithms", "key-exchange algorithm"),
    "hostkeyalgorithms": ("HostKeyAlgorithms", "host-key algorithm"),
    "ciphers": ("Ciphers", "cipher"),
    "macs": ("MACs", "MAC"),
}
"""keyword → as ssh_config(5) writes it, and what it lists"""

NOT_ALGORITHMS = ("ext-info-", "kex-strict-")
"""signals that stand in the lists of key exchanges"""


def connect_seconds(host: HostConfig) -> float:
    """How long the way to the host, with the key exchange, may take: ConnectTimeout, or 30 s."""
    return host.connect_timeout or DEFAULT_CONNECT_SECONDS


def offered_algorithms(host: HostConfig) -> dict[str, tuple[str, ...]]:
    """Give what to offer, by keyword: the host's lists; of ciphers the cheap ones first.

    AES-GCM needs no MAC, which halves what a byte costs at both ends. OpenSSH's own order, which
    has it last, is kept where the user has named ciphers.
    """
    offered = dict(host.algorithms)
    if host.is_default("ciphers") and "ciphers" in offered:
        offered["ciphers"] = tuple(sorted(offered["ciphers"], key=lambda name: "gcm" not in name))
    return offered


def exchange_keys(host: HostConfig, transport: HookedTransport, deadline: float) -> None:
    """Exchange keys, before `deadline` on the monotonic clock. Raises ConnectError."""
    seconds = max(0.1, deadline - time.monotonic())
    # Paramiko's own limit stands behind ours, so that it is ours that is reported
    transport.handshake_timeout = seconds + 1
    where = f"{host.alias}: {host.hostname} port {host.port}"
    try:
        transport.start_client(timeout=seconds)
    except NoSharedAlgorithmError as error:
        raise _nothing_shared(host, error) from error
    except ProxyEndedError as error:
        raise ConnectError(f"{host.alias}: {error}", host=host.alias) from error
    except Exception as error:  # whatever ended Paramiko's thread: see translation
        if transport.remote_version.startswith("SSH-"):
            raise translate(error, host.alias, "key exchange", ConnectError) from error
        said = f", it says {transport.first_line[:100]!r}" if transport.first_line else ""
        raise _no_ssh(host, f"{where} does not speak SSH{said}: {describe(error)}") from error
    if not transport.initial_kex_done:  # start_client returns silently when its time is up
        version = printable(transport.remote_version)
        stage = f"in the key exchange with {version}" if version else "before an SSH banner came"
        raise _no_ssh(
            host, f"{where}: the connect time of {connect_seconds(host):g} s was up, {stage}"
        )


def _no_ssh(host: HostConfig, message: str) -> ConnectError:
    return ConnectError(message, hint="Check HostName and Port in ssh_config.", host=host.alias)


def _nothing_shared(host: HostConfig, error: NoSharedAlgorithmError) -> ConnectError:
    """Give the error: what each side offers, and the line of ssh_config that would help, if any."""
    keyword, kind = KINDS[error.keyword]
    theirs = [name for name in error.theirs if not name.startswith(NOT_ALGORITHMS)]
    return ConnectError(
        f"{host.alias}: no {kind} in common: the server offers {_listed(theirs)}; "
        f"this client offers {_listed(error.ours)}",
        hint=_hint(host, error.keyword, keyword, theirs),
        host=host.alias,
    )


def _hint(host: HostConfig, name: str, keyword: str, theirs: Iterable[str]) -> str:
    usable = OURS.usable[name]
    helpful = [algorithm for algorithm in usable if algorithm in theirs]
    if not helpful:
        return (
            f"No line of ssh_config would help: this client can do {_listed(usable)}. "
            "Those who run the server would have to allow one of them."
        )
    where = ", ".join(set(host.origins.get(name, ())) - {"default"})
    leaves_out = f"{keyword} of {where} leaves" if where else "The configuration leaves"
    names = ",".join(helpful)
    return f'{leaves_out} out what both sides can do; "{keyword} +{names}" there would help.'


def _listed(names: Iterable[str]) -> str:
    return printable(", ".join(names)) or "none"
