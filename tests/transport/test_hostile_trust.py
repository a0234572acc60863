"""Servers that are not, or may not be, the one that was meant: each is refused, and in what words.

Every case is played to its end by a server that does the key exchange with the key that it offers;
nobody is there to be asked.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

import paramiko
import pytest

from qxub.transport import (
    ConnectionLost,
    HostCertificateInvalid,
    HostKeyChanged,
    HostKeyError,
    HostKeyRevoked,
    HostKeyUnknown,
    connect,
)
from qxub.transport.blobs import CERTIFICATE_SUFFIX, write_string
from qxub.transport.known_hosts import fingerprint
from tests.fakes.host_keys import (
    CertificateText,
    OfferedKey,
    certificate,
    certified,
    host_offering,
    hours_from_now,
    new_key,
    plain,
    public_blob,
    public_line,
)
from tests.fakes.prompter import Answers

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport.session import Session

KEY, OTHER, CA = new_key(), new_key(), new_key("nistp256")
RSA, P384 = new_key("rsa"), new_key("nistp384")
NAME = "[127.0.0.1]:{port}"
KNOWN = f"{NAME} {public_line(KEY)}\n"
TRUSTED_CA = f"@cert-authority * {public_line(CA)}\n"
GOOD = CertificateText()


def with_certificate(text: CertificateText, key: object = KEY, ca: object = CA) -> OfferedKey:
    return certified(key, certificate(text, key, ca))  # type: ignore[arg-type]


def damaged(blob: bytes) -> bytes:
    """Change one bit of the serial number, which the authority has signed."""
    at = blob.index((7).to_bytes(8, "big"))
    return blob[: at + 7] + bytes([blob[at + 7] ^ 1]) + blob[at + 8 :]


ED25519_CERT = "ssh-ed25519" + CERTIFICATE_SUFFIX
OPTION = write_string(b"verify-\x1brequired") + write_string(b"")


@dataclass(frozen=True)
class Case:
    """A server, what the user's files say, and the expected refusal: its class and its words."""

    offered: paramiko.PKey
    known_hosts: str
    error: type[HostKeyError]
    words: str
    revoked_keys: bytes | None = None
    settings: dict[str, object] = field(default_factory=dict)


CASES = {
    "unknown": Case(plain(KEY), "", HostKeyUnknown, "no known_hosts file has a key"),
    "unknown, though known without a port elsewhere": Case(
        plain(KEY), f"127.0.0.2 {public_line(KEY)}\n", HostKeyUnknown, "no known_hosts file"
    ),
    "changed": Case(
        plain(OTHER), "\n" + KNOWN, HostKeyChanged, r"expected the ssh-ed25519 .*known_hosts:2\)"
    ),
    "changed, and the old port-less line is right": Case(
        plain(OTHER), KNOWN + f"127.0.0.1 {public_line(OTHER)}\n", HostKeyChanged, "known_hosts:1"
    ),
    "changed, with a key of another type": Case(
        plain(P384), KNOWN, HostKeyChanged, "offered the ecdsa-sha2-nistp384 key"
    ),
    "changed, and StrictHostKeyChecking is no": Case(
        plain(OTHER),
        KNOWN,
        HostKeyChanged,
        "is not the known one",
        settings={"strict_host_key_checking": "false"},
    ),
    "changed, and StrictHostKeyChecking is accept-new": Case(
        plain(OTHER),
        KNOWN,
        HostKeyChanged,
        "is not the known one",
        settings={"strict_host_key_checking": "accept-new"},
    ),
    "revoked": Case(
        plain(KEY),
        KNOWN + f"@revoked * {public_line(KEY)}\n",
        HostKeyRevoked,
        r"known_hosts:2 marks as revoked",
    ),
    "revoked, and StrictHostKeyChecking is no": Case(
        plain(KEY),
        f"@revoked * {public_line(KEY)}\n",
        HostKeyRevoked,
        "marks as revoked",
        settings={"strict_host_key_checking": "false"},
    ),
    "revoked by file": Case(
        plain(KEY),
        KNOWN,
        HostKeyRevoked,
        "revoked_keys marks as revoked",
        revoked_keys=f"# lost\n{public_line(OTHER)}\n{public_line(KEY)} old\n".encode(),
    ),
    "revoked file is missing": Case(
        plain(KEY),
        KNOWN,
        HostKeyError,
        "cannot be read: No such file.*every host key is refused",
        settings={"revoked_host_keys": "missing"},
    ),
    "revoked file is garbage": Case(
        plain(KEY), KNOWN, HostKeyError, "line 1: expected a key type", revoked_keys=b"garbage\n"
    ),
    "revoked file is a broken KRL": Case(
        plain(KEY), KNOWN, HostKeyError, "bytes are missing", revoked_keys=b"SSHKRL\n\0\0\0\0\1"
    ),
    "certificate by the wrong authority": Case(
        with_certificate(GOOD, ca=OTHER), TRUSTED_CA, HostKeyUnknown, "no @cert-authority line"
    ),
    "certificate by an authority for other hosts": Case(
        with_certificate(GOOD),
        f"@cert-authority *.example {public_line(CA)}\n"
        f"@cert-authority 127.0.0.1 {public_line(OTHER)}\n",
        HostKeyUnknown,
        "no @cert-authority line for this host",
    ),
    "expired certificate": Case(
        with_certificate(GOOD.but(valid_before=hours_from_now(-1))),
        TRUSTED_CA,
        HostKeyUnknown,
        r"certificate was refused: it expired at 20\d\d-",
    ),
    "certificate that is not yet valid": Case(
        with_certificate(GOOD.but(valid_after=hours_from_now(1))),
        TRUSTED_CA,
        HostKeyUnknown,
        r"it is not valid before 20\d\d-",
    ),
    "certificate for another host": Case(
        with_certificate(GOOD.but(principals=("login.example", "x\x1b[2J"))),
        TRUSTED_CA,
        HostKeyUnknown,
        r"it is for login.example, x\\x1b\[2J, and not for 127.0.0.1",
    ),
    "certificate for a pattern": Case(
        with_certificate(GOOD.but(principals=("127.0.0.*", "*"))),
        TRUSTED_CA,
        HostKeyUnknown,
        r"it is for 127.0.0.\*, \*, and not for",
    ),
    "certificate of a user": Case(
        with_certificate(GOOD.but(kind=1)), TRUSTED_CA, HostKeyUnknown, "not a host certificate"
    ),
    "certificate signed by SHA-1": Case(
        with_certificate(GOOD.but(signed_by="ssh-rsa"), ca=RSA),
        f"@cert-authority * {public_line(RSA)}\n",
        HostKeyUnknown,
        "it is signed by ssh-rsa, which is not among CASignatureAlgorithms",
    ),
    "certificate signed by what the user does not allow": Case(
        with_certificate(GOOD),
        TRUSTED_CA,
        HostKeyUnknown,
        "it is signed by ecdsa-sha2-nistp256, which is not among",
        settings={"algorithms": {"casignaturealgorithms": ("ssh-ed25519",)}},
    ),
    "certificate with an unknown critical option": Case(
        with_certificate(GOOD.but(critical=OPTION)),
        TRUSTED_CA,
        HostKeyUnknown,
        r"critical options that are not known: verify-\\x1brequired",
    ),
    "refused certificate of a key that has changed": Case(
        with_certificate(GOOD.but(valid_before=1), key=OTHER),
        TRUSTED_CA + KNOWN,
        HostKeyChanged,
        "known_hosts:2",
    ),
    "certificate of a revoked key": Case(
        with_certificate(GOOD),
        TRUSTED_CA + f"@revoked * {public_line(KEY)}\n",
        HostKeyRevoked,
        "known_hosts:2 marks as revoked",
    ),
    "certificate by a revoked authority": Case(
        with_certificate(GOOD),
        TRUSTED_CA + KNOWN + f"@revoked * {public_line(CA)}\n",
        HostKeyRevoked,
        "known_hosts:3 marks as revoked",
    ),
    "certificate by an authority that a file revokes": Case(
        with_certificate(GOOD),
        TRUSTED_CA + KNOWN,
        HostKeyRevoked,
        "revoked_keys marks as revoked",
        revoked_keys=public_line(CA).encode(),
    ),
    "certificate that its authority did not sign": Case(
        certified(KEY, damaged(certificate(GOOD, KEY, CA))),
        TRUSTED_CA + KNOWN,
        HostCertificateInvalid,
        "the signature is not by that key",
    ),
    "certificate that says it is by another authority": Case(
        certified(
            KEY,
            certificate(GOOD, KEY, OTHER).replace(public_blob(OTHER), public_blob(new_key())),
        ),
        TRUSTED_CA + KNOWN,
        HostCertificateInvalid,
        "the signature is not by that key",
    ),
    "certificate that is garbage": Case(
        OfferedKey(ED25519_CERT, write_string(ED25519_CERT.encode()) + b"\xff" * 40, KEY),
        TRUSTED_CA + KNOWN,
        HostKeyError,
        "host key is not valid: .* bytes are missing",
    ),
    "certificate with something after it": Case(
        with_certificate(GOOD.but(after=b"more")),
        TRUSTED_CA + KNOWN,
        HostKeyError,
        "there is more after its signature",
    ),
    "certificate by a certificate": Case(
        certified(
            KEY,
            certificate(GOOD, KEY, OTHER).replace(
                write_string(public_blob(OTHER)), write_string(certificate(GOOD, OTHER, CA))
            ),
        ),
        TRUSTED_CA + KNOWN,
        HostKeyError,
        "authority are not possible",
    ),
    "certificate of one key, signed in the exchange by another": Case(
        OfferedKey(ED25519_CERT, certificate(GOOD, KEY, CA), OTHER),
        TRUSTED_CA,
        HostKeyError,
        "Signature verification .* failed",
    ),
    "plain key under a line for an authority only": Case(
        plain(CA), TRUSTED_CA, HostKeyUnknown, "no known_hosts file has a key"
    ),
    "certificate where a plain key was negotiated": Case(
        OfferedKey("ssh-ed25519", certificate(GOOD, KEY, CA), KEY),
        TRUSTED_CA + KNOWN,
        HostKeyError,
        "is not ssh-ed25519, which was negotiated",
    ),
    "key of another type than negotiated": Case(
        OfferedKey("ecdsa-sha2-nistp256", public_blob(P384), P384),
        f"{NAME} {public_line(P384)}\n",
        HostKeyError,
        "'ecdsa-sha2-nistp384' is not ecdsa-sha2-nistp256, which was negotiated",
    ),
    "signature of another algorithm than negotiated": Case(
        OfferedKey("rsa-sha2-512", public_blob(RSA), RSA, signed_by="rsa-sha2-256"),
        f"{NAME} {public_line(RSA)}\n",
        HostKeyError,
        "signs by another algorithm than rsa-sha2-512, the negotiated",
    ),
    "key that is garbage": Case(
        OfferedKey("ssh-ed25519", b"\0\0\0\xffssh", KEY), KNOWN, HostKeyError, "is not valid"
    ),
    "known key with something after it": Case(
        OfferedKey("ssh-ed25519", public_blob(KEY) + b"more", KEY),
        KNOWN,
        HostKeyError,
        "there is more after the key",
    ),
    "key that is cut short, which Paramiko fills with zeros": Case(
        OfferedKey("rsa-sha2-512", public_blob(RSA)[:-9], RSA),
        KNOWN,
        HostKeyError,
        "9 bytes are missing",
    ),
    "certificate by an authority with a short key": Case(
        with_certificate(GOOD, ca=RSA),
        f"@cert-authority * {public_line(RSA)}\n",
        HostKeyUnknown,
        "its authority has an RSA key of 2048 bits",
        settings={"required_rsa_size": 3072},
    ),
    "key that another one signs for": Case(
        OfferedKey("ssh-ed25519", public_blob(KEY), OTHER),
        KNOWN,
        HostKeyError,
        "verification .* failed",
    ),
    "RSA key that is too short": Case(
        plain(RSA),
        f"{NAME} {public_line(RSA)}\n",
        HostKeyError,
        "an RSA key of 2048 bits, and RequiredRSASize is 3072",
        settings={"required_rsa_size": 3072},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refusal(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    asked: list[str] = []
    monkeypatch.setattr(paramiko.Transport, "auth_none", lambda _self, user: asked.append(user))
    with host_offering(tmp_path / "host", case.offered) as host:
        text = case.known_hosts.format(port=host.server.port)
        host.known_hosts.write_text(text)
        settings = dict(case.settings)
        if case.revoked_keys is not None:
            (tmp_path / "revoked_keys").write_bytes(case.revoked_keys)
            settings["revoked_host_keys"] = tmp_path / "revoked_keys"
        elif "revoked_host_keys" in settings:
            settings["revoked_host_keys"] = tmp_path / "missing"
        config = dataclasses.replace(host.config(), **settings)  # type: ignore[arg-type]
        with pytest.raises(HostKeyError) as caught:
            connect(config)
    assert type(caught.value) is case.error, caught.value
    assert re.search(case.words, caught.value.message), caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.host == "target"
    assert asked == [], "nothing is sent before the key is accepted"
    assert host.known_hosts.read_text() == text, "nothing is ever added"


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


def rekeying(key: paramiko.PKey) -> Callable[[Session], None]:
    """Make a handler that swaps the server's key and asks for new session keys."""

    def swap(session: Session) -> None:
        transport = session._channel.get_transport()
        transport.server_key_dict = {}
        transport.add_server_key(key)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # the client leaves
            transport.renegotiate_keys()

    return swap


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (plain(KEY), plain(OTHER)),
        (plain(KEY), plain(P384)),
        (with_certificate(GOOD), with_certificate(GOOD, key=OTHER)),
        (with_certificate(GOOD), plain(OTHER)),
    ],
    ids=["key", "type", "certificate", "certificate to key"],
)
def test_host_key_that_changes_at_a_rekey(
    tmp_path: Path, first: paramiko.PKey, second: paramiko.PKey
) -> None:
    from tests.fakes.ssh_host import fake_host

    with fake_host(tmp_path / "h", handler=rekeying(second), host_keys=[first]) as host:
        host.known_hosts.write_text(TRUSTED_CA + KNOWN.format(port=host.server.port))
        with (
            connect(host.config()) as connection,
            pytest.raises(ConnectionLost, match="changed its host key"),
        ):
            connection.run("swap", stdout=lambda _: None, stderr=lambda _: None)


def test_control_characters_in_names_reach_no_terminal(tmp_path: Path) -> None:
    """Neither in the question, nor in what follows a refusal."""
    person = Answers(["no"])
    with host_offering(tmp_path / "host", plain(KEY)) as host:
        host.known_hosts.write_bytes(
            f"evil\x1b]0;x\x07,other {public_line(KEY)} com\x1bment\n".encode()
        )
        config = dataclasses.replace(host.config(), host_key_alias="al\x1b[2Jias")
        with pytest.raises(HostKeyUnknown) as caught:
            connect(config, prompter=person)
    ((text, echo),) = person.asked
    assert echo
    assert text.replace("\n", "").isprintable()
    assert r"al\x1b[2jias" in text
    assert r"evil\x1b]0;x\x07,other" in text
    assert fingerprint(public_blob(KEY)) in text
    assert caught.value.message.isprintable()
    assert caught.value.hint.replace("\n", "").isprintable()
