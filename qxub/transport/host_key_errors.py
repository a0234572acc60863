"""The errors about host keys, in words that help: what was offered, what was expected, what to do.

Texts from the server and from files come with control characters made visible.
"""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING

from qxub.transport.blobs import key_type
from qxub.transport.errors import (
    HostCertificateInvalid,
    HostKeyChanged,
    HostKeyError,
    HostKeyRevoked,
    HostKeyUnknown,
)
from qxub.transport.known_hosts import fingerprint
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport.host_config import HostConfig
    from qxub.transport.known_hosts import KnownKey

_STOP = "Do not connect. Ask the site what happened and which key is right."


def describe_key(blob: bytes) -> str:
    """Name a key by its type and fingerprint."""
    return f"{key_type(blob)} key {fingerprint(blob)}"


def unknown(host: HostConfig, key: bytes, reason: str = "") -> HostKeyUnknown:
    """Say that no line has a key for the host; `reason` tells why that is the end of it."""
    file = next(iter(host.known_hosts_files), "known_hosts")
    alias, name = printable(host.alias), printable(host.known_hosts_name)
    line = f"{name} {key_type(key)} {base64.b64encode(key).decode()}"
    return HostKeyUnknown(
        f"{alias}: no known_hosts file has a key for {name}; "
        f"it offered the {describe_key(key)}{printable(reason)}",
        hint="Get the host's fingerprint from the site. If it is the offered one, run "
        f"`qxub ssh trust {shlex.quote(alias)}`, or add this line to {file}:\n{line}",
        host=host.alias,
    )


def changed(host: HostConfig, key: bytes, lines: Sequence[KnownKey]) -> HostKeyChanged:
    """Say that `lines` have other keys for the host."""
    expected = ", ".join(f"{describe_key(line.blob)} ({line.place})" for line in lines)
    alias, name = printable(host.alias), printable(host.known_hosts_name)
    return HostKeyChanged(
        f"{alias}: the host key of {name} is not the known one: "
        f"expected the {expected}; it offered the {describe_key(key)}",
        hint="Someone may be posing as this host, or its key was replaced. Ask the site for its "
        "new fingerprint; only if it is the offered one, replace the lines named above.",
        host=host.alias,
    )


def revoked(host: HostConfig, what: str, place: str) -> HostKeyRevoked:
    """Say that `place` revokes `what` was offered."""
    return HostKeyRevoked(
        f"{_names(host)} offered the {printable(what)}, which {place} marks as revoked",
        hint=_STOP,
        host=host.alias,
    )


def revoked_keys_unreadable(host: HostConfig, reason: str) -> HostKeyError:
    """Say that nobody can tell which keys are revoked, so none is accepted."""
    origin = ", ".join(host.origins.get("revokedhostkeys", ()))
    return HostKeyError(
        f"{printable(host.alias)}: RevokedHostKeys {host.revoked_host_keys} cannot be read: "
        f"{printable(reason)}; so every host key is refused",
        hint=f"Mend that file, or the line in ssh_config that names it ({origin}).",
        host=host.alias,
    )


def certificate_invalid(host: HostConfig, reason: str) -> HostCertificateInvalid:
    """Say that what was offered is no certificate, or not signed by its authority."""
    return HostCertificateInvalid(
        f"{_names(host)} offered a host certificate that is not valid: {printable(reason)}",
        hint=_STOP,
        host=host.alias,
    )


def key_too_small(host: HostConfig, bits: int) -> HostKeyError:
    """Say that an RSA key is too short to be safe."""
    return HostKeyError(
        f"{_names(host)} offered an RSA key of {bits} bits, "
        f"and RequiredRSASize is {host.required_rsa_size}",
        hint="Ask the site for a longer key, or for one of another type.",
        host=host.alias,
    )


def _names(host: HostConfig) -> str:
    return printable(f"{host.alias}: {host.known_hosts_name}")
