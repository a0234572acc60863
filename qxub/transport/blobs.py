"""SSH's binary formats (RFC 4251 section 5), and public keys in them (RFC 4253 section 6.6)."""

from __future__ import annotations

CERTIFICATE_SUFFIX = "-cert-v01@openssh.com"

_CURVES = {f"ecdsa-sha2-{curve}": curve for curve in ("nistp256", "nistp384", "nistp521")}
_FIELDS = {"ssh-ed25519": 1, "ssh-rsa": 2, **dict.fromkeys(_CURVES, 2)}
_SHORT_NAMES = {"ssh-ed25519": "ED25519", "ssh-rsa": "RSA", **dict.fromkeys(_CURVES, "ECDSA")}
_RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")  # RFC 8332: both use keys of type ssh-rsa


class BlobReader:
    """Takes one field after the other. Raises ValueError where the data end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether everything has been taken."""
        return self._at == len(self._data)

    def taken(self) -> bytes:
        """Give again everything that has been taken so far."""
        return self._data[: self._at]

    def take(self, count: int) -> bytes:
        """Take `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise ValueError(f"{end - len(self._data)} bytes are missing at its end")
        data, self._at = self._data[self._at : end], end
        return data

    @property
    def rest(self) -> bytes:
        """What has not been taken yet."""
        return self._data[self._at :]

    def number(self, size: int = 4) -> int:
        """Take an unsigned number of `size` bytes: 1 (byte), 4 (uint32) or 8 (uint64)."""
        return int.from_bytes(self.take(size), "big")

    def string(self) -> bytes:
        """Take a string: its length, then so many bytes."""
        return self.take(self.number(4))

    def text(self) -> str:
        """Take a string that is UTF-8."""
        return self.string().decode("utf-8")

    def strings(self) -> list[bytes]:
        """Take all that is left, which is strings."""
        found = []
        while not self.at_end:
            found.append(self.string())
        return found


def write_string(data: bytes) -> bytes:
    """Give a string as it is written: its length, then its bytes."""
    return len(data).to_bytes(4, "big") + data


def key_type(blob: bytes) -> str:
    """Give the type that a public key or certificate says it is of. Raises ValueError."""
    return BlobReader(blob).text()


def short_name(blob: bytes) -> str:
    """Give the type of a public key as OpenSSH tells it to people, such as "ED25519"."""
    name = key_type(blob)
    return _SHORT_NAMES.get(name, name)


def type_of_algorithm(algorithm: str) -> str:
    """Give the type of the keys that a signature algorithm uses, for certificates, too."""
    plain = plain_name(algorithm)
    return algorithm.replace(plain, "ssh-rsa") if plain in _RSA_ALGORITHMS else algorithm


def plain_name(name: str) -> str:
    """Give the name of an algorithm or type without what makes it one of certificates."""
    if name.endswith(CERTIFICATE_SUFFIX):
        return name[: -len(CERTIFICATE_SUFFIX)]
    return name


def is_certificate(blob: bytes) -> bool:
    """Whether a blob says that it is a certificate of OpenSSH's. Raises ValueError."""
    return key_type(blob).endswith(CERTIFICATE_SUFFIX)


def read_key_fields(reader: BlobReader, plain_type: str) -> bytes:
    """Take the fields of a public key, and give the key's own blob.

    Raises ValueError for a type that is not known, and for fields that cannot be of it.
    """
    if plain_type not in _FIELDS:
        raise ValueError(f"there are no keys of type {plain_type} here")
    fields = [reader.string() for _ in range(_FIELDS[plain_type])]
    if plain_type == "ssh-ed25519" and len(fields[0]) != 32:
        raise ValueError("an Ed25519 key has 32 bytes")
    if plain_type in _CURVES and fields[0] != _CURVES[plain_type].encode():
        raise ValueError("the curve of the key is another than its type says")
    return b"".join(write_string(field) for field in (plain_type.encode(), *fields))


def check_key(blob: bytes) -> None:
    """Check that a key of a type that is known here is complete. Raises ValueError."""
    reader = BlobReader(blob)
    name = reader.text()
    if name in _FIELDS:
        read_key_fields(reader, name)
        if not reader.at_end:
            raise ValueError("there is more after the key")


def rsa_bits(blob: bytes) -> int | None:
    """Give the size of an RSA key, and None for a key of another type."""
    reader = BlobReader(blob)
    if reader.text() != "ssh-rsa":
        return None
    reader.string()  # the exponent
    return int.from_bytes(reader.string(), "big").bit_length()
