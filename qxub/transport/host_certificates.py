"""Host certificates (OpenSSH's PROTOCOL.certkeys), and when one is to be believed.

Paramiko takes a certificate for the plain key in it, and looks at nothing else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.blobs import (
    CERTIFICATE_SUFFIX,
    BlobReader,
    is_certificate,
    key_type,
    plain_name,
    read_key_fields,
)
from qxub.transport.signatures import VERIFIABLE, check_signature, signature_algorithm
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST_KIND = 2
"""SSH_CERT_TYPE_HOST; the other one is 1, for users"""
_KINDS = (1, HOST_KIND)
_MAX_PRINCIPALS = 256
"""as in OpenSSH (SSHKEY_CERT_MAX_PRINCIPALS)"""


@dataclass(frozen=True)
class Certificate:
    """What a certificate says. `key` and `authority` are public keys; nothing is checked yet.

    `valid_after` and `valid_before` are seconds since 1970; `signed` is what `signature` is of.
    """

    key: bytes
    serial: int
    kind: int
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    critical_options: tuple[str, ...]
    authority: bytes
    signed: bytes
    signature: bytes


def plain_key(blob: bytes) -> bytes:
    """Give the public key of a certificate, or a plain key as it is. Raises ValueError."""
    return read_certificate(blob).key if is_certificate(blob) else blob


def read_certificate(blob: bytes) -> Certificate:
    """Take a certificate apart. Raises ValueError if it does not follow the format."""
    reader = BlobReader(blob)
    name = reader.text()
    if not name.endswith(CERTIFICATE_SUFFIX):
        raise ValueError(f"{name} is no type of certificates")
    reader.string()  # the nonce
    key = read_key_fields(reader, plain_name(name))
    serial, kind, key_id = reader.number(8), reader.number(4), reader.text()
    principals = BlobReader(reader.string()).strings()
    valid_after, valid_before = reader.number(8), reader.number(8)
    critical = _option_names(reader.string())
    _option_names(reader.string())  # extensions, of which hosts have none
    reader.string()  # reserved
    authority = reader.string()
    signed = reader.taken()
    signature = reader.string()
    if not reader.at_end:
        raise ValueError("there is more after its signature")
    if kind not in _KINDS or len(principals) > _MAX_PRINCIPALS or is_certificate(authority):
        raise ValueError("its kind, its principals or its authority are not possible")
    names = tuple(principal.decode("utf-8") for principal in principals)
    return Certificate(
        *(key, serial, kind, key_id, names, valid_after, valid_before, critical),
        *(authority, signed, signature),
    )


def check_authority_signed(certificate: Certificate) -> None:
    """Raise ValueError if the certificate was not signed by the authority that it names.

    One that is signed by an algorithm that cannot be checked passes; `problem_of` finds that.
    """
    if signature_algorithm(certificate.signature) in VERIFIABLE:
        check_signature(certificate.authority, certificate.signature, certificate.signed)


def problem_of(
    certificate: Certificate, name: str, allowed: Sequence[str], now: float | None = None
) -> str:
    """Tell why this is no good certificate for the host `name`; "" if it is one.

    `allowed` are CASignatureAlgorithms, `now` seconds since 1970. The order, and that no principal
    at all suits every host while none is a pattern, are OpenSSH's (sshkey_cert_check_host).
    """
    now = time.time() if now is None else now
    names, options = certificate.principals, certificate.critical_options
    algorithm = printable(signature_algorithm(certificate.signature))
    problems = (
        (certificate.kind != HOST_KIND, "it is not a host certificate"),
        (now < certificate.valid_after, f"it is not valid before {_date(certificate.valid_after)}"),
        (now >= certificate.valid_before, f"it expired at {_date(certificate.valid_before)}"),
        (names and name not in names, f"it is for {_some(names)}, and not for {name}"),
        (options, f"it has critical options that are not known: {_some(options)}"),
        (
            algorithm not in allowed or algorithm not in VERIFIABLE,
            f"it is signed by {algorithm}, which is not among CASignatureAlgorithms",
        ),
    )
    return next((text for is_so, text in problems if is_so), "")


def describe_certificate(certificate: Certificate) -> str:
    """Name a certificate for an error or the log."""
    return (
        f"{key_type(certificate.key)} certificate {certificate.key_id!r} "
        f"(serial {certificate.serial})"
    )


def _option_names(data: bytes) -> tuple[str, ...]:
    reader, names = BlobReader(data), []
    while not reader.at_end:
        names.append(reader.text())
        reader.string()
    return tuple(names)


def _some(names: Sequence[str]) -> str:
    return ", ".join(printable(name) for name in names[:3]) + (
        f" and {len(names) - 3} more" if len(names) > 3 else ""
    )


def _date(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s after 1970"
