"""By which algorithm a key signs: one that we allow, and that the server takes (RFC 8332)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.transport.blobs import CERTIFICATE_SUFFIX
from qxub.transport.key_errors import KeyUnusableError
from qxub.transport.public_keys import key_type, rsa_bits
from qxub.transport.ssh_config.algorithms import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport.host_config import HostConfig

_KEYWORD = "pubkeyacceptedalgorithms"


def choose_algorithm(host: HostConfig, blob: bytes, server_takes: Sequence[str]) -> str:
    """Choose for a key or certificate; `server_takes` is empty where the server does not say.

    Raises KeyUnusableError with the reason why there is none. As in OpenSSH, what the server says
    counts for RSA keys only, which alone can sign in more than one way.
    """
    try:
        kind, bits = key_type(blob), rsa_bits(blob)
    except ValueError as error:
        raise KeyUnusableError(f"is damaged: {error}") from error
    if 0 < bits < host.required_rsa_size:
        raise KeyUnusableError(f"has {bits} bits, and RequiredRSASize is {host.required_rsa_size}")
    allowed = host.algorithms.get(_KEYWORD) or OURS.defaults[_KEYWORD]
    if bits == 0:
        return _checked(kind, allowed)
    suffix = CERTIFICATE_SUFFIX if kind.endswith(CERTIFICATE_SUFFIX) else ""
    own = [name for name in allowed if name in {f"rsa-sha2-{n}{suffix}" for n in (256, 512)}]
    if not own:
        _checked(kind, allowed)
    common = [
        name for name in own if not server_takes or name[: len("rsa-sha2-512")] in server_takes
    ]
    if not common:
        takes = ", ".join(server_takes)
        raise KeyUnusableError(f"is an RSA key, and of those the server takes only {takes}")
    return common[0]


def _checked(kind: str, allowed: Sequence[str]) -> str:
    if kind == "ssh-dss":
        raise KeyUnusableError("is a DSA key, which is too weak to be used")
    if kind not in allowed:
        raise KeyUnusableError(f"is of type {kind}, which PubkeyAcceptedAlgorithms does not allow")
    return kind
