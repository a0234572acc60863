"""Key files: every format and cipher that ssh-keygen writes, and what is no key."""

from __future__ import annotations

import base64
import dataclasses
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    AuthenticationError,
    connect,
    generate_key_pair,
    identities,
    keys,
    resolve,
)
from qxub.transport.key_errors import KeyUnusableError, PassphraseNeededError
from qxub.transport.openssh_key import MAX_ROUNDS
from qxub.transport.public_keys import read_public_file
from tests.fakes.prompter import Answers
from tests.real.requirements import require

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.ssh_host import FakeHost
    from tests.real.sshd import Sshd

CIPHERS = (
    *("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc"),
    *("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
    "3des-cbc",
)
KINDS = (("ed25519",), ("ecdsa", "-b", "256"), ("ecdsa", "-b", "521"), ("rsa", "-b", "2048"))
PASSPHRASE = "pass phräse"  # noqa: S105 - of keys made here


@pytest.fixture(autouse=True)
def _forget_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "_unlocked", {})


def keygen(file: Path, *options: str, passphrase: str = "") -> bytes:
    program = shutil.which("ssh-keygen")
    if program is None:
        require("sshd", "no ssh-keygen on PATH")
    argv: list[str | Path] = [program, "-q", "-a", "1", "-N", passphrase, "-f", file, *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return file.read_bytes()


def assert_opens(file: Path, data: bytes, passphrase: str) -> None:
    if passphrase:
        with pytest.raises(PassphraseNeededError, match="needs a passphrase"):
            keys.load_private_key(data)
        with pytest.raises(PassphraseNeededError, match="wrong"):
            keys.load_private_key(data, b"wrong")
    key = keys.load_private_key(data, passphrase.encode() or None)
    assert keys.blob_of(key) == read_public_file(file.with_name(file.name + ".pub"))


@pytest.mark.parametrize("cipher", CIPHERS)
def test_openssh_format_under_each_cipher(tmp_path: Path, cipher: str) -> None:
    file = tmp_path / "key"
    assert_opens(
        file, keygen(file, "-t", "ed25519", "-Z", cipher, passphrase=PASSPHRASE), PASSPHRASE
    )


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["plain", "encrypted"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind[::2]) for kind in KINDS])
def test_each_format(tmp_path: Path, kind: tuple[str, ...], form: str, passphrase: str) -> None:
    file = tmp_path / "key"
    assert_opens(file, keygen(file, "-t", *kind, "-m", form, passphrase=passphrase), passphrase)


def damage_public_part(data: bytes) -> bytes:
    """Put another public part in front of the private one."""
    head, body, tail = data.split(b"-----\n", 1)[0], data.splitlines()[1:-1], data.splitlines()[-1]
    raw = bytearray(base64.b64decode(b"".join(body)))
    raw[80] ^= 1  # within the plain public key
    return head + b"-----\n" + base64.encodebytes(bytes(raw)) + tail + b"\n"


def costly(data: bytes) -> bytes:
    """Have the passphrase hashed four billion times."""
    raw = base64.b64decode(b"".join(data.splitlines()[1:-1]))
    at = raw.index(b"bcrypt") + 6 + 4 + 4 + 16
    raw = raw[:at] + b"\xff\xff\xff\xff" + raw[at + 4 :]
    lines = data.splitlines()
    return lines[0] + b"\n" + base64.encodebytes(raw) + lines[-1] + b"\n"


def test_public_and_private_part_must_belong_together(tmp_path: Path) -> None:
    generate_key_pair(tmp_path / "key")
    data = damage_public_part((tmp_path / "key").read_bytes())
    with pytest.raises(KeyUnusableError):
        keys.load_private_key(data)


def test_hashing_for_ever_is_refused(tmp_path: Path) -> None:
    data = costly(keygen(tmp_path / "key", "-t", "ed25519", passphrase="x"))
    with pytest.raises(KeyUnusableError, match="hashed 4294967295 times"):
        keys.load_private_key(data, b"x")
    assert MAX_ROUNDS < 2**32


def make(file: Path, data: bytes, mode: int = 0o600) -> Path:
    file.touch(mode=mode)
    file.chmod(mode)
    file.write_bytes(data)
    return file


def answer_for(fake: FakeHost, file: Path, **changes: object) -> AuthenticationError:
    config = dataclasses.replace(fake.config(), identity_files=(file,), **changes)  # type: ignore[arg-type]
    with pytest.raises(AuthenticationError) as caught:
        connect(config, prompter=Answers(["x"] * 9))
    return caught.value


def test_small_rsa_key(fake: FakeHost, tmp_path: Path) -> None:
    file = tmp_path / "key"
    keygen(file, "-t", "rsa", "-b", "2048")
    error = answer_for(fake, file, required_rsa_size=3072)
    assert error.attempts[0].answer == "skipped: has 2048 bits, and RequiredRSASize is 3072"


def test_type_that_is_not_allowed(fake: FakeHost) -> None:
    algorithms = {"pubkeyacceptedalgorithms": ("rsa-sha2-512",)}
    error = answer_for(fake, fake.client_key, algorithms=algorithms)
    assert "ssh-ed25519, which PubkeyAcceptedAlgorithms does not" in error.attempts[0].answer


def test_dsa_is_refused(fake: FakeHost, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dsa

    key = dsa.generate_private_key(1024)  # noqa: S505 - as weak as DSA keys are
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    error = answer_for(fake, make(tmp_path / "key", data))
    assert "DSA key, which is too weak" in error.attempts[0].answer


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
def test_key_that_others_may_read(fake: FakeHost) -> None:
    fake.client_key.chmod(0o640)
    error = answer_for(fake, fake.client_key)
    assert "permissions 0640 are too open" in error.attempts[0].answer
    assert error.hint.endswith(f"chmod 600 {fake.client_key}")


def test_public_key_as_identity_file(fake: FakeHost) -> None:
    error = answer_for(fake, fake.client_key.with_name("client_key.pub"))
    assert error.attempts[0].answer == (
        "skipped: is a public key, and no agent has its private part"
    )


def test_passphrase_is_asked_for_once_a_run(fake: FakeHost, tmp_path: Path) -> None:
    data = keygen(tmp_path / "locked", "-t", "ed25519", passphrase="x")
    public = (tmp_path / "locked.pub").read_text()
    fake.server.authorized.add(base64.b64decode(public.split()[1]))
    config = dataclasses.replace(fake.config(), identity_files=(tmp_path / "locked",))
    person = Answers(["x"])
    for _ in range(2):
        connect(config, prompter=person).close()
    assert len(person.asked) == 1
    assert data


def test_passphrase_counts_for_the_second_hop_too(sshd: Sshd, tmp_path: Path) -> None:
    data = keygen(tmp_path / "locked", "-t", "ed25519", passphrase="x")
    assert b"OPENSSH" in data
    text = sshd.ssh_config.read_text().replace("Host target", "Host target jump")
    text = text.replace(str(sshd.client_key), str(tmp_path / "locked"))
    (tmp_path / "config").write_text(text + "Host target\n    ProxyJump jump\n")
    with (sshd.directory / "authorized_keys").open("a") as keys_file:
        keys_file.write((tmp_path / "locked.pub").read_text())
    person = Answers(["x"])
    host = resolve("target", config_file=tmp_path / "config")
    assert host.jump is not None
    connect(host, prompter=person).close()
    assert len(person.asked) == 1


def test_default_files_that_are_missing_are_not_told(fake: FakeHost, tmp_path: Path) -> None:
    origins = {
        name: origin for name, origin in fake.config().origins.items() if name != "identityfile"
    }
    error = answer_for(fake, tmp_path / "id_rsa", origins=origins)
    assert error.attempts == ()
    assert "there is none here" in error.hint


def test_fifo_as_key_file(fake: FakeHost, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("there are no FIFOs")
    os.mkfifo(tmp_path / "key", 0o600)
    os.mkfifo(tmp_path / "key.pub", 0o600)
    error = answer_for(fake, tmp_path / "key")
    assert error.attempts[0].answer == "skipped: cannot be read: it is not a file"
