"""Public keys and user certificates as SSH writes them (RFC 4253 6.6; PROTOCOL.certkeys)."""

from __future__ import annotations

import base64
import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport import blobs
from qxub.transport.blobs import CERTIFICATE_SUFFIX, BlobReader, write_string
from qxub.transport.key_errors import KeyUnusableError
from qxub.transport.key_files import read_small_file
from qxub.transport.known_hosts import parse_blob
from qxub.transport.translation import printable

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_USER_CERTIFICATE = 1
_FOR_EVER = 2**64 - 1
# what stands between a certificate's nonce and its serial number: the fields of the plain key
_KEY_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}


def key_type(blob: bytes) -> str:
    """Give the type that a public key says it is of, such as "ssh-ed25519". Raises ValueError."""
    return printable(BlobReader(blob).string().decode("ascii", "replace"))


def rsa_bits(blob: bytes) -> int:
    """Give the size of an RSA key, plain or certified, in bits; 0 for other keys."""
    return blobs.rsa_bits(plain_blob(blob)) or 0


def plain_blob(blob: bytes) -> bytes:
    """Give the key that a certificate certifies; a plain key is its own. Raises ValueError."""
    kind = key_type(blob)
    return read_certificate(blob).key if kind.endswith(CERTIFICATE_SUFFIX) else blob


@dataclass(frozen=True)
class UserCertificate:
    """What a user certificate says. Times are in seconds since 1970."""

    key: bytes
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int

    def lapse(self, now: float) -> str:
        """Say why it is not valid at `now`; "" if it is. The server's clock decides, not ours."""
        if now < self.valid_after:
            return f"the certificate is not valid before {_date(self.valid_after)}"
        if now >= self.valid_before:
            return f"the certificate expired on {_date(self.valid_before)}"
        return ""


def read_certificate(blob: bytes) -> UserCertificate:
    """Read a certificate. Raises ValueError, for a host certificate too."""
    fields = BlobReader(blob)
    certified = fields.string().decode("ascii", "replace")
    kind = certified.replace(CERTIFICATE_SUFFIX, "")
    plain = kind + "@openssh.com" if kind.startswith("sk-") else kind
    if CERTIFICATE_SUFFIX not in certified or plain not in _KEY_FIELDS:
        raise ValueError(f"{printable(certified)} is no type of certificate that is known")
    fields.string()  # nonce
    key = write_string(plain.encode()) + b"".join(
        write_string(fields.string()) for _ in range(_KEY_FIELDS[plain])
    )
    fields.number(8)  # serial
    if fields.number() != _USER_CERTIFICATE:
        raise ValueError("it is not a user certificate")
    key_id, principals = _text(fields.string()), BlobReader(fields.string())
    names = [_text(name) for name in principals.strings()]
    return UserCertificate(key, key_id, tuple(names), fields.number(8), fields.number(8))


def read_public_file(file: Path) -> bytes | None:
    """Read the key or certificate from a public-key file, or give None where there is none."""
    try:
        words = read_small_file(file).decode("utf-8", "replace").split(maxsplit=2)
        return parse_blob(words[0], words[1])
    except (KeyUnusableError, ValueError, IndexError) as error:
        log.debug("%s: not a public key: %s", file, error)
        return None


def public_blob(line: bytes) -> bytes:
    """Give the key of a line as authorized_keys has it, such as cryptography writes it."""
    return base64.b64decode(line.split()[1])


def _text(data: bytes) -> str:
    return printable(data.decode("utf-8", "replace"))


def _date(seconds: int) -> str:
    if seconds >= _FOR_EVER:
        return "the end of time"
    try:
        moment = dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s after 1970"
    return moment.strftime("%Y-%m-%d %H:%M UTC")
