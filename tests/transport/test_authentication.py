"""Logging in with keys from files and from an agent, and what a refusal tells."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import AuthenticationError, connect, generate_key_pair, keys
from qxub.transport.known_hosts import fingerprint
from tests.fakes.prompter import Answers
from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig
    from tests.fakes.ssh_host import FakeHost


def encrypted_key(file: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def refused(config: HostConfig) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        connect(config)
    return caught.value


def test_refusal_accounts_for_every_key(fake: FakeHost, tmp_path: Path) -> None:
    generate_key_pair(tmp_path / "stranger")
    encrypted_key(tmp_path / "encrypted")
    (tmp_path / "garbage").write_bytes(b"\0garbage\xff" * 9)
    (tmp_path / "directory").mkdir()
    names = ("stranger", "encrypted", "garbage", "directory", "missing")
    files = tuple(tmp_path / name for name in names)
    error = refused(dataclasses.replace(fake.config(), identity_files=files))
    answers = {attempt.key: attempt.answer for attempt in error.attempts}
    assert list(answers) == [str(file) for file in files]
    assert answers[str(files[0])] == "refused"
    assert "needs a passphrase" in answers[str(files[1])]
    assert "not a private key" in answers[str(files[2])]
    assert "cannot be read" in answers[str(files[3])]
    assert answers[str(files[4])] == "skipped: no such file"
    assert error.attempts[0].fingerprint.startswith("SHA256:")
    assert error.methods == ("publickey",)
    assert "did not let fake in" in error.message
    assert all(str(attempt) in error.message for attempt in error.attempts)
    assert "ssh-agent" in error.hint


@pytest.fixture
def locked(fake: FakeHost, tmp_path: Path) -> tuple[HostConfig, Path]:
    """A host that takes a key which is encrypted under the passphrase "sécret"."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_ssh_private_key(fake.client_key.read_bytes(), None)
    file = tmp_path / "locked"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption("sécret".encode()),
        )
    )
    return dataclasses.replace(fake.config(), identity_files=(file,)), file


def test_a_passphrase_is_asked_for_until_it_is_right(locked: tuple[HostConfig, Path]) -> None:
    config, file = locked
    person = Answers(["wrong", "sécret"])
    connect(config, prompter=person).close()
    assert person.asked == [(f"Passphrase for {file}: ", False)] * 2


@pytest.mark.parametrize(
    ("answer", "words"), [(None, "needs a passphrase"), ("wrong", "the passphrase is wrong")]
)
def test_a_key_that_stays_locked_is_skipped(
    locked: tuple[HostConfig, Path], answer: str | None, words: str
) -> None:
    with pytest.raises(AuthenticationError) as caught:
        connect(locked[0], prompter=Answers([answer] * 3))
    assert caught.value.attempts[0].answer == f"skipped: {words}"


def test_second_key_is_tried_after_the_first_is_refused(fake: FakeHost, tmp_path: Path) -> None:
    generate_key_pair(tmp_path / "stranger")
    files = (tmp_path / "stranger", fake.client_key)
    connect(dataclasses.replace(fake.config(), identity_files=files)).close()


def test_server_that_closes_after_too_many_keys(fake: FakeHost, tmp_path: Path) -> None:
    files = tuple(tmp_path / f"key{number}" for number in range(12))
    for file in files:
        generate_key_pair(file)
    error = refused(dataclasses.replace(fake.config(), identity_files=files))
    assert len(error.attempts) < len(files)
    assert error.attempts[-1].answer == "No more auth methods available"


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real ssh-agent, with no keys."""
    program = shutil.which("ssh-agent")
    if program is None or shutil.which("ssh-add") is None:
        require("sshd", "no ssh-agent or ssh-add on PATH")
    address = str(tmp_path / "agent")
    with subprocess.Popen([program, "-D", "-a", address], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"SSH_AUTH_SOCK" in process.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", address)
        yield
        process.terminate()


def add_to_agent(key: Path) -> None:
    subprocess.run(["ssh-add", "-q", key], check=True, env=dict(os.environ))


@pytest.mark.usefixtures("agent")
def test_agent_key_is_enough(fake: FakeHost) -> None:
    add_to_agent(fake.client_key)
    fake.client_key.unlink()
    config = dataclasses.replace(fake.config(), identity_agent=None)
    connect(config).close()  # IdentitiesOnly: the key is named by client_key.pub
    fake.client_key.with_name("client_key.pub").unlink()
    assert refused(config).attempts[-1].answer == "skipped: no such file"
    connect(dataclasses.replace(config, identities_only=False)).close()
    error = refused(dataclasses.replace(config, identities_only=False, identity_agent="none"))
    assert len(error.attempts) == 1


@pytest.mark.usefixtures("agent")
def test_agent_key_that_is_configured_goes_first(fake: FakeHost, tmp_path: Path) -> None:
    generate_key_pair(tmp_path / "one")
    generate_key_pair(tmp_path / "two")
    add_to_agent(tmp_path / "one")
    add_to_agent(tmp_path / "two")
    config = dataclasses.replace(
        fake.config(),
        identity_agent=None,
        identities_only=False,
        identity_files=(tmp_path / "two",),
    )
    first, second = refused(config).attempts
    assert str(tmp_path) in first.key or "agent key" in first.key
    assert first.fingerprint != second.fingerprint
    blob = keys.public_blob(tmp_path / "two")
    assert blob is not None
    assert first.fingerprint == fingerprint(blob)


def test_hung_agent_is_only_a_note(
    fake: FakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("the agent's socket is a Unix one")
    monkeypatch.setattr(keys, "AGENT_SECONDS", 0.2)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "hung"))
    config = dataclasses.replace(fake.config(), identity_agent=None, identity_files=())
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(tmp_path / "hung"))
        hung.listen()
        error = refused(config)
        peer, _ = hung.accept()
        with peer:  # an answer at last, with no keys, lets the listing thread end
            peer.recv(64)
            peer.sendall(b"\0\0\0\5\x0c\0\0\0\0")
            assert peer.recv(1) == b""
    assert "did not answer within" in error.attempts[0].answer
