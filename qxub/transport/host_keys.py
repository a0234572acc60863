"""What known_hosts says about a host, and about a key that it offers: a decision without deeds.

The order is that of check_host_key in OpenSSH's sshconnect.c. Where a [host]:port is not listed at
all, the name without the port is looked up; a line for [host]:port that has another key is never
put right by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from qxub.transport.blobs import CERTIFICATE_SUFFIX, plain_name, type_of_algorithm
from qxub.transport.known_hosts import AUTHORITY, REVOKED, KnownKey, read_known_hosts
from qxub.transport.ssh_config.algorithms import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qxub.transport.host_certificates import Certificate
    from qxub.transport.host_config import HostConfig


class Standing(Enum):
    """What known_hosts says about an offered key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Finding:
    """The standing of a key, and the lines that it comes from."""

    standing: Standing
    lines: tuple[KnownKey, ...] = ()


@dataclass(frozen=True)
class KnownHost:
    """The lines about one host: for each name that it may be listed under, in order."""

    lines_by_name: tuple[tuple[KnownKey, ...], ...]
    all_lines: tuple[KnownKey, ...]

    @property
    def keys(self) -> tuple[KnownKey, ...]:
        """The plain keys by which the host is known."""
        plain = (tuple(_with_marker(lines, "")) for lines in self.lines_by_name)
        return next(filter(None, plain), ())

    @property
    def has_authority(self) -> bool:
        """Whether an authority is trusted to certify the host's keys."""
        return any(True for lines in self.lines_by_name for _ in _with_marker(lines, AUTHORITY))

    def find_key(self, key: bytes) -> Finding:
        """Look up a plain key."""
        findings = [_find_among(lines, key) for lines in self.lines_by_name]
        if len(findings) == 2 and findings[0].standing is Standing.UNKNOWN:
            portless = findings[1]
            # a portless line with another key says nothing about this port
            if portless.standing in (Standing.KNOWN, Standing.REVOKED):
                return portless
        return findings[0]

    def find_authority(self, certificate: Certificate) -> Finding:
        """Look up a certificate's authority; it, or the certified key, may be revoked."""
        blobs = (certificate.key, certificate.authority)
        for lines in self.lines_by_name:
            revoked = [line for line in _with_marker(lines, REVOKED) if line.blob in blobs]
            if revoked:
                return Finding(Standing.REVOKED, tuple(revoked))
            same = [
                line
                for line in _with_marker(lines, AUTHORITY)
                if line.blob == certificate.authority
            ]
            if same:
                return Finding(Standing.KNOWN, tuple(same))
        return Finding(Standing.UNKNOWN)

    def other_places(self, key: bytes) -> list[KnownKey]:
        """Find the lines by which the key is known as another host's."""
        return [line for line in self.all_lines if line.blob == key and not line.marker]


def known_host(host: HostConfig) -> KnownHost:
    """Read the known_hosts files, and select what they say about `host`."""
    lines = read_known_hosts(host.known_hosts_files)
    names = dict.fromkeys((host.known_hosts_name, portless_name(host)))
    by_name = tuple(tuple(line for line in lines if line.names(name)) for name in names)
    return KnownHost(by_name, tuple(lines))


def portless_name(host: HostConfig) -> str:
    """Give the host's name for certificates, and for where [host]:port is not listed."""
    return (host.host_key_alias or host.hostname).lower()


def host_key_algorithms(host: HostConfig, known: KnownHost) -> tuple[str, ...]:
    """Give the host-key algorithms to offer, in order.

    Those of certificates are left out where no authority is trusted, for they would be of no use.
    A known key's come first, so that it is the one negotiated, unless the user has given the order
    (ssh_config(5), HostKeyAlgorithms).
    """
    wanted = host.algorithms.get("hostkeyalgorithms") or OURS.defaults["hostkeyalgorithms"]
    if not known.has_authority:
        plain = tuple(name for name in wanted if not name.endswith(CERTIFICATE_SUFFIX))
        # who asks for certificates only gets them, and then the keys in them are looked up
        wanted = plain or wanted
    return wanted if host.fixed_host_key_order else order_algorithms(wanted, known.keys)


def order_algorithms(algorithms: Iterable[str], keys: Iterable[KnownKey]) -> tuple[str, ...]:
    """`algorithms` with those first for which a key is known, and before them certificates.

    A certificate whose authority proves to be wrong is taken for the plain key in it.
    """
    types = {key.key_type for key in keys}

    def rank(name: str) -> bool:
        is_of_certificates = name != plain_name(name)
        return not is_of_certificates and type_of_algorithm(name) not in types

    return tuple(sorted(algorithms, key=rank))


def _find_among(lines: Sequence[KnownKey], key: bytes) -> Finding:
    for marker, standing in ((REVOKED, Standing.REVOKED), ("", Standing.KNOWN)):
        same = tuple(line for line in _with_marker(lines, marker) if line.blob == key)
        if same:
            return Finding(standing, same)
    others = tuple(_with_marker(lines, ""))
    return Finding(Standing.CHANGED if others else Standing.UNKNOWN, others)


def _with_marker(lines: Iterable[KnownKey], marker: str) -> Iterable[KnownKey]:
    return (line for line in lines if line.marker == marker)
