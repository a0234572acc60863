"""Key revocation lists, as ssh-keygen writes them, and broken ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.transport import krl
from qxub.transport.blobs import write_string
from qxub.transport.host_certificates import read_certificate
from tests.fakes.host_keys import CertificateText, certificate, new_key, public_blob, public_line
from tests.real.ssh_keygen import ssh_keygen

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER, CA = new_key(), new_key(), new_key()
HEAD = krl.MAGIC + (1).to_bytes(4, "big") + bytes(24) + write_string(b"") + write_string(b"")


def made_of(directory: Path, specification: str, *, ca: bool = True) -> krl.Revocations:
    (directory / "ca.pub").write_text(public_line(CA) + "\n")
    (directory / "specification").write_text(specification + "\n")
    words = ("-s", directory / "ca.pub") if ca else ()
    file = directory / "krl"
    ssh_keygen("-k", "-q", "-f", file, *words, directory / "specification")
    return krl.read(file.read_bytes())


def revokes(revocations: krl.Revocations, serial: int, key_id: str = "a host") -> bool:
    text = CertificateText(serial=serial, key_id=key_id)
    found = read_certificate(certificate(text, KEY, CA))
    return krl.revokes(revocations, found.key, found)


@pytest.mark.parametrize("form", ["key: {}", "sha1: {}", "sha256: {}", "{}"])
def test_keys(tmp_path: Path, form: str) -> None:
    revocations = made_of(tmp_path, form.format(public_line(KEY)), ca=False)
    assert krl.revokes(revocations, public_blob(KEY), None)
    assert not krl.revokes(revocations, public_blob(OTHER), None)
    assert revokes(revocations, 7), "a certificate of the key, too"


def test_an_authority(tmp_path: Path) -> None:
    revocations = made_of(tmp_path, f"key: {public_line(CA)}", ca=False)
    assert revokes(revocations, 7)
    assert not krl.revokes(revocations, public_blob(KEY), None)


@pytest.mark.parametrize(
    ("specification", "serials"),
    [
        ("serial: 7", {7}),
        ("serial: 5-9", {5, 6, 7, 8, 9}),
        ("serial: 1\nserial: 3\nserial: 4\nserial: 6\nserial: 9", {1, 3, 4, 6, 9}),  # a bitmap
        ("serial: 18446744073709551615", {2**64 - 1}),
        ("id: a host", {0, *range(1, 12), 2**64 - 1}),
        ("id: another host", set()),
    ],
)
def test_certificates(tmp_path: Path, specification: str, serials: set[int]) -> None:
    revocations = made_of(tmp_path, specification)
    found = {serial for serial in (0, *range(1, 12), 2**64 - 1) if revokes(revocations, serial)}
    assert found == serials


def test_certificates_of_another_authority_are_not_meant(tmp_path: Path) -> None:
    revocations = made_of(tmp_path, "serial: 7")
    found = read_certificate(certificate(CertificateText(serial=7), KEY, OTHER))
    assert not krl.revokes(revocations, found.key, found)


def test_a_list_for_any_authority(tmp_path: Path) -> None:
    file = tmp_path / "krl"
    (tmp_path / "specification").write_text("serial: 7\n")
    ssh_keygen("-k", "-q", "-f", file, "-s", "none", tmp_path / "specification")
    assert revokes(krl.read(file.read_bytes()), 7)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (b"\x09" + write_string(b""), "section of unknown kind 9"),
        (b"\x02", "bytes are missing"),
        (b"\xff" + write_string(write_string(b"new") + b"\1" + write_string(b"")), "critical"),
        (b"\x01" + write_string(bytes(8) + b"\x24" + write_string(b"")), "unknown way 36"),
        (b"\x01" + write_string(bytes(8) + b"\x20" + write_string(b"short")), "missing"),
    ],
)
def test_what_is_not_understood_is_refused(rest: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        krl.read(HEAD + rest)


def test_what_may_be_passed_over() -> None:
    extension = b"\xff" + write_string(write_string(b"new") + b"\0" + write_string(b""))
    signature = b"\x04" + write_string(public_blob(CA)) + write_string(b"signature")
    keys = b"\x02" + write_string(write_string(public_blob(KEY)))
    revocations = krl.read(HEAD + extension + keys + signature)
    assert krl.revokes(revocations, public_blob(KEY), None)


def test_versions() -> None:
    with pytest.raises(ValueError, match="unknown version"):
        krl.read(HEAD.replace(b"\0\1", b"\0\2", 1))


@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    try:
        krl.read(HEAD + data)
    except ValueError:
        return
