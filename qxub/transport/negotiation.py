"""What to say when the server and we share no algorithm of some kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.transport.errors import ConnectError
from qxub.transport.ssh_config.algorithms import OURS
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qxub.transport.host_config import HostConfig
    from qxub.transport.paramiko_handshake import NoSharedAlgorithmError

KINDS = {
    "kexalgorithms": ("KexAlgorithms", "key-exchange algorithm"),
    "hostkeyalgorithms": ("HostKeyAlgorithms", "host-key algorithm"),
    "ciphers": ("Ciphers", "cipher"),
    "macs": ("MACs", "MAC"),
}
"""keyword → as ssh_config(5) writes it, and what it lists"""

NOT_ALGORITHMS = ("ext-info-", "kex-strict-")
"""signals that stand in the lists of key exchanges"""


def nothing_shared(host: HostConfig, error: NoSharedAlgorithmError) -> ConnectError:
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
