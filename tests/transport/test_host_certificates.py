"""Host certificates, one by one and byte by byte; the judge in test_trust_judge.py is OpenSSH."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qxub.transport import Exited, connect
from qxub.transport.host_certificates import (
    check_authority_signed,
    plain_key,
    problem_of,
    read_certificate,
)
from qxub.transport.ssh_config.algorithms import OURS
from tests.fakes.host_keys import (
    CertificateText,
    OfferedKey,
    certificate,
    certified,
    host_offering,
    new_key,
    plain,
    public_blob,
    public_line,
)
from tests.real.ssh_keygen import certify
from tests.real.sshd import write_key

if TYPE_CHECKING:
    from pathlib import Path

KEY, CA = new_key(), new_key()
GOOD = CertificateText(principals=("far.example", "far"), valid_after=100, valid_before=200)
BLOB = certificate(GOOD, KEY, CA)
ALL = OURS.defaults["casignaturealgorithms"]


@pytest.mark.parametrize(
    ("now", "problem"),
    [
        (99.9, "it is not valid before 1970-01-01 00:01:40 UTC"),
        (100.0, ""),
        (199.9, ""),
        (200.0, "it expired at 1970-01-01 00:03:20 UTC"),
    ],
)
def test_the_interval_of_validity(now: float, problem: str) -> None:
    assert problem_of(read_certificate(BLOB), "far", ALL, now) == problem


def test_the_clock_is_this_machines_unless_given() -> None:
    assert "expired" in problem_of(read_certificate(BLOB), "far", ALL)
    for_ever = certificate(GOOD.but(valid_before=2**64 - 1), KEY, CA)
    assert problem_of(read_certificate(for_ever), "far", ALL) == ""
    beyond = certificate(GOOD.but(valid_after=2**63, valid_before=2**64 - 1), KEY, CA)
    assert problem_of(read_certificate(beyond), "far", ALL) == (
        f"it is not valid before {2**63} s after 1970"
    )


def test_many_principals_are_not_all_told() -> None:
    names = tuple(f"host-{number}" for number in range(256))
    blob = certificate(GOOD.but(principals=names), KEY, CA)
    problem = problem_of(read_certificate(blob), "far", ALL, 150)
    assert problem == "it is for host-0, host-1, host-2 and 253 more, and not for far"
    too_many = certificate(GOOD.but(principals=(*names, "one more")), KEY, CA)
    with pytest.raises(ValueError, match="not possible"):
        read_certificate(too_many)


@pytest.mark.parametrize("kind", ["ed25519", "nistp256", "nistp384", "nistp521", "rsa"])
def test_what_ssh_keygen_writes(tmp_path: Path, kind: str) -> None:
    write_key(tmp_path / "ca", new_key(kind))
    write_key(tmp_path / "key", new_key(kind))
    words = ("-n", "far,*.example", "-z", "17", "-V", "20260101Z:20260201Z")
    file = certify(tmp_path / "key", tmp_path / "ca", *words, "-O", "critical:x@example=1")
    found = read_certificate(base64.b64decode(file.read_text().split()[1]))
    check_authority_signed(found)
    assert found.principals == ("far", "*.example")
    assert (found.serial, found.kind, found.key_id) == (17, 2, "a host")
    assert (found.valid_after, found.valid_before) == (1767225600, 1769904000)
    assert found.critical_options == ("x@example",)
    public = (tmp_path / "key.pub").read_text().split()[1]
    assert found.key == base64.b64decode(public)


@given(st.integers(0, len(BLOB) - 1), st.integers(0, 7))
def test_no_bit_may_be_another(at: int, bit: int) -> None:
    blob = bytearray(BLOB)
    blob[at] ^= 1 << bit
    try:
        found = read_certificate(bytes(blob))
        check_authority_signed(found)
    except ValueError:
        return
    # then it is the name of the signature's algorithm that has changed
    assert "is not among CASignatureAlgorithms" in problem_of(found, "far", ALL, 150)


@given(st.integers(0, len(BLOB) - 1), st.binary(max_size=20))
def test_a_part_of_one_is_none(length: int, more: bytes) -> None:
    if BLOB[:length] + more != BLOB:
        with pytest.raises(ValueError):  # noqa: PT011
            check_authority_signed(read_certificate(BLOB[:length] + more))


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_garbage_is_no_certificate(data: bytes) -> None:
    name = BLOB[: 4 + len("ssh-ed25519-cert-v01@openssh.com")]
    for blob in (data, name + data):
        with pytest.raises(ValueError):  # noqa: PT011
            read_certificate(blob)


def test_an_algorithm_that_cannot_be_checked_is_told_as_such() -> None:
    rsa = new_key("rsa")
    found = read_certificate(certificate(GOOD.but(signed_by="ssh-rsa"), KEY, rsa))
    check_authority_signed(found)  # which says nothing about it
    problem = problem_of(found, "far", (*ALL, "ssh-rsa"), 150)
    assert problem == "it is signed by ssh-rsa, which is not among CASignatureAlgorithms"


def test_a_plain_key_is_itself() -> None:
    assert plain_key(public_blob(KEY)) == public_blob(KEY)
    assert plain_key(BLOB) == public_blob(KEY)


@pytest.mark.parametrize("kind", ["ed25519", "nistp256", "nistp384", "nistp521", "rsa"])
def test_a_certified_host_is_reached(tmp_path: Path, kind: str) -> None:
    key, authority = new_key(kind), new_key(kind)
    blob = certificate(CertificateText(principals=("127.0.0.1",)), key, authority)
    with host_offering(tmp_path / "host", plain(new_key()), certified(key, blob)) as host:
        host.known_hosts.write_text(f"@cert-authority 127.0.0.* {public_line(authority)}\n")
        with connect(host.config()) as connection:
            assert connection._transport.host_key_blob == blob
            seen_by_paramiko = connection._transport.get_remote_server_key()
            assert seen_by_paramiko.asbytes() == public_blob(key)
            end = connection.run("exit 7", stdout=lambda _: None, stderr=lambda _: None)
        assert end == Exited(7)


def test_no_certificate_is_asked_for_without_an_authority(tmp_path: Path) -> None:
    """So a host with one is known by its plain key, as it has always been."""
    wrong = certificate(CertificateText(), KEY, new_key())
    with host_offering(tmp_path / "host", certified(KEY, wrong), plain(KEY)) as host:
        host.known_hosts.write_text(f"127.0.0.1 {public_line(KEY)}\n")
        with connect(host.config()) as connection:
            assert connection._transport.host_key_blob == public_blob(KEY)
        # asked for, it comes, and the key in it is looked up
        with host.ssh_config.open("a") as file:
            file.write("HostKeyAlgorithms *-cert-v01@openssh.com\n")
        with connect(host.config()) as connection:
            assert connection._transport.host_key_blob == wrong


def test_a_rekey_may_show_the_same_key_without_its_certificate(tmp_path: Path) -> None:
    from tests.fakes.ssh_host import fake_host
    from tests.transport.test_hostile_trust import rekeying

    def swap(session: object) -> None:
        rekeying(plain(KEY))(session)  # type: ignore[arg-type]
        session.exit(5)  # type: ignore[attr-defined]

    blob = certificate(CertificateText(), KEY, CA)
    offered: OfferedKey = certified(KEY, blob)
    with fake_host(tmp_path / "host", handler=swap, host_keys=[offered]) as host:
        host.known_hosts.write_text(f"@cert-authority * {public_line(CA)}\n")
        with host.ssh_config.open("a") as file:
            file.write("HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519\n")
        with connect(host.config()) as connection:
            end = connection.run("swap", stdout=lambda _: None, stderr=lambda _: None)
        assert end == Exited(5)
