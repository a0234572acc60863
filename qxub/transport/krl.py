"""Key revocation lists, the binary form of RevokedHostKeys (OpenSSH's PROTOCOL.krl)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qxub.transport.blobs import BlobReader

if TYPE_CHECKING:
    from qxub.transport.host_certificates import Certificate

MAGIC = b"SSHKRL\n\0"
_CERTIFICATES, _KEYS, _SHA1, _SIGNATURE, _SHA256, _EXTENSION = 1, 2, 3, 4, 5, 255
_SERIALS, _RANGE, _BITMAP, _KEY_IDS, _CERTIFICATE_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39


@dataclass
class RevokedCertificates:
    """What is revoked of one authority's certificates; an empty authority stands for any.

    `ranges` are of serial numbers, both ends included; `bitmaps` have an offset each.
    """

    authority: bytes
    ranges: list[tuple[int, int]] = field(default_factory=list)
    bitmaps: list[tuple[int, int]] = field(default_factory=list)
    key_ids: set[str] = field(default_factory=set)

    def has(self, certificate: Certificate) -> bool:
        """Whether this is about the certificate. A serial of 0 is none: no authority gave it."""
        if self.authority not in (b"", certificate.authority):
            return False
        serial = certificate.serial
        if certificate.key_id in self.key_ids or not serial:
            return certificate.key_id in self.key_ids
        return any(first <= serial <= last for first, last in self.ranges) or any(
            0 <= serial - offset < bits.bit_length() and bits >> (serial - offset) & 1
            for offset, bits in self.bitmaps
        )


@dataclass
class Revocations:
    """What a KRL revokes: keys, digests of keys, and certificates."""

    keys: set[bytes] = field(default_factory=set)
    sha1: set[bytes] = field(default_factory=set)
    sha256: set[bytes] = field(default_factory=set)
    certificates: list[RevokedCertificates] = field(default_factory=list)

    def has_key(self, key: bytes) -> bool:
        """Whether a public key is revoked."""
        return (
            key in self.keys
            or hashlib.sha1(key, usedforsecurity=False).digest() in self.sha1
            or hashlib.sha256(key).digest() in self.sha256
        )


def revokes(revocations: Revocations, key: bytes, certificate: Certificate | None) -> bool:
    """Whether a key is revoked, or the certificate that it comes in, or that one's authority."""
    if revocations.has_key(key):
        return True
    if certificate is None:
        return False
    return revocations.has_key(certificate.authority) or any(
        revoked.has(certificate) for revoked in revocations.certificates
    )


def read(content: bytes) -> Revocations:
    """Read a KRL. Raises ValueError for what does not follow the format, or is critical and new.

    Signatures are passed over: who may write the file may also write one without.
    """
    reader = BlobReader(content)
    reader.take(len(MAGIC))
    if reader.number(4) != 1:
        raise ValueError("a KRL of an unknown version")
    for size in (8, 8, 8):  # the list's own version, its date, flags
        reader.number(size)
    reader.string()  # reserved
    reader.string()  # comment
    revocations = Revocations()
    while not reader.at_end:
        _read_section(reader.number(1), reader.string(), revocations, reader)
    return revocations


def _read_section(kind: int, data: bytes, revocations: Revocations, reader: BlobReader) -> None:
    section = BlobReader(data)
    if kind == _CERTIFICATES:
        revocations.certificates.append(_read_certificates(section))
    elif kind == _KEYS:
        revocations.keys.update(section.strings())
    elif kind == _SHA1:
        revocations.sha1.update(section.strings())
    elif kind == _SHA256:
        revocations.sha256.update(section.strings())
    elif kind == _SIGNATURE:
        reader.string()  # `data` was the key that signs
    elif kind == _EXTENSION:
        _check_extension(section)
    else:
        raise ValueError(f"a KRL with a section of unknown kind {kind}")


def _read_certificates(section: BlobReader) -> RevokedCertificates:
    revoked = RevokedCertificates(section.string())
    section.string()  # reserved
    while not section.at_end:
        kind, part = section.number(1), BlobReader(section.string())
        if kind == _SERIALS:
            while not part.at_end:
                serial = part.number(8)
                revoked.ranges.append((serial, serial))
        elif kind == _RANGE:
            revoked.ranges.append((part.number(8), part.number(8)))
        elif kind == _BITMAP:
            revoked.bitmaps.append((part.number(8), int.from_bytes(part.string(), "big")))
        elif kind == _KEY_IDS:
            revoked.key_ids.update(text.decode("utf-8", "replace") for text in part.strings())
        elif kind == _CERTIFICATE_EXTENSION:
            _check_extension(part)
        else:
            raise ValueError(f"a KRL with certificates revoked in an unknown way {kind}")
    return revoked


def _check_extension(section: BlobReader) -> None:
    name, critical = section.text(), section.number(1)
    if critical:
        raise ValueError(f"a KRL with the unknown critical extension {name}")
