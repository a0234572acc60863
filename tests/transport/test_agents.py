"""Agents on POSIX, played by OpenSSH's ssh-agent: all kinds of keys, certificates, where it is."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import AuthenticationError, connect, generate_key_pair, resolve
from qxub.transport.agents.client import open_agent
from tests.real.requirements import require
from tests.real.ssh_agent import running_agent
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig
    from tests.fakes.ssh_host import FakeHost
    from tests.real.sshd import Sshd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its sockets are Unix ones")

CA_OPTION = 'TrustedUserCAKeys "{ca}"'


def run(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_key(file: Path, *options: str) -> Path:
    run("ssh-keygen", "-q", "-N", "", "-f", file, *options)
    return file


def certify(ca: Path, key: Path, *options: str) -> Path:
    """Have the CA certify KEY.pub for the user who runs the tests; makes KEY-cert.pub."""
    import getpass

    named = options if "-n" in options else ("-n", getpass.getuser(), *options)
    run("ssh-keygen", "-q", "-s", ca, "-I", "test's id", *named, f"{key}.pub")
    return key.with_name(key.name + "-cert.pub")


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("ssh-keygen") is None:
        require("sshd", "no ssh-keygen on PATH")
    return make_key(tmp_path_factory.mktemp("ca") / "ca", "-t", "ed25519")


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory, ca: Path) -> Iterator[Sshd]:
    """An sshd that accepts the CA's certificates, and the keys in `authorized_keys`."""
    option = CA_OPTION.format(ca=f"{ca}.pub")
    with running_sshd(tmp_path_factory.mktemp("trusting"), option, "MaxAuthTries 20") as server:
        yield server


def host_with(server: Sshd, *files: Path, **changes: object) -> HostConfig:
    config = resolve("target", config_file=server.ssh_config)
    return dataclasses.replace(config, identity_files=files, **changes)  # type: ignore[arg-type]


def authorize(server: Sshd, key: Path) -> None:
    with (server.directory / "authorized_keys").open("a") as stream:
        stream.write(key.with_name(key.name + ".pub").read_text())


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real ssh-agent, with no keys."""
    with running_agent(tmp_path / "agent") as address:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
        yield address


KINDS = [
    ("-t", "ed25519"),
    ("-t", "ecdsa", "-b", "256"),
    ("-t", "ecdsa", "-b", "384"),
    ("-t", "ecdsa", "-b", "521"),
    ("-t", "rsa", "-b", "2048"),
]


@pytest.mark.parametrize("certified", [False, True], ids=["plain", "certificate"])
@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind[1::2]) for kind in KINDS])
def test_login_by_an_agents_key(
    trusting: Sshd, agent: Path, tmp_path: Path, ca: Path, kind: tuple[str, ...], certified: bool
) -> None:
    key = make_key(tmp_path / "key", *kind)
    if certified:
        certify(ca, key)
    else:
        authorize(trusting, key)
    run("ssh-add", "-q", key)
    for file in tmp_path.glob("key*"):
        file.unlink()
    connect(host_with(trusting, identities_only=False, identity_agent=str(agent))).close()


@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind[1::2]) for kind in KINDS])
def test_login_by_certificate_and_key_in_files(
    trusting: Sshd, tmp_path: Path, ca: Path, kind: tuple[str, ...]
) -> None:
    key = make_key(tmp_path / "key", *kind)
    certificate = certify(ca, key)
    connect(host_with(trusting, key)).close()
    elsewhere = certificate.rename(tmp_path / "other-name")
    connect(host_with(trusting, key, certificate_files=(elsewhere,))).close()


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512"])
def test_rsa_signs_by_sha2_as_configured(trusting: Sshd, tmp_path: Path, algorithm: str) -> None:
    key = make_key(tmp_path / "key", "-t", "rsa", "-b", "2048")
    authorize(trusting, key)
    connect(host_with(trusting, key, algorithms={"pubkeyacceptedalgorithms": (algorithm,)})).close()


def test_certificate_whose_key_is_in_the_agent(
    trusting: Sshd, agent: Path, tmp_path: Path, ca: Path
) -> None:
    key = make_key(tmp_path / "key", "-t", "rsa")
    run("ssh-add", "-q", key)
    certificate = certify(ca, key)
    key.unlink()
    connect(
        host_with(trusting, certificate_files=(certificate,), identity_agent=str(agent))
    ).close()


def test_expired_certificate_is_explained(trusting: Sshd, tmp_path: Path, ca: Path) -> None:
    key = make_key(tmp_path / "key", "-t", "ed25519")
    certify(ca, key, "-V", "20200101000000Z:20200102000000Z")
    with pytest.raises(AuthenticationError) as caught:
        connect(host_with(trusting, key))
    first, second = caught.value.attempts
    assert first.key.endswith("key-cert.pub")
    assert "refused (the certificate expired on 2020-01-0" in first.answer
    assert second.answer == "refused"
    assert caught.value.hint.startswith("Get a new certificate")


def test_certificate_for_another_user(trusting: Sshd, tmp_path: Path, ca: Path) -> None:
    key = make_key(tmp_path / "key", "-t", "ed25519")
    certify(ca, key, "-n", "somebody-else")
    with pytest.raises(AuthenticationError):
        connect(host_with(trusting, key))


def test_host_certificate_is_not_offered(trusting: Sshd, tmp_path: Path, ca: Path) -> None:
    key = make_key(tmp_path / "key", "-t", "ed25519")
    certify(ca, key, "-h", "-n", "host")
    with pytest.raises(AuthenticationError) as caught:
        connect(host_with(trusting, key))
    assert "is not a user certificate" in caught.value.attempts[0].answer


def test_where_the_agent_is(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(place: str | None) -> bool:
        opened = open_agent(place)
        if opened is None:
            return False
        assert opened.list_keys() == []
        opened.close()
        return True

    assert found(None)
    assert found("SSH_AUTH_SOCK")
    assert not found("none")
    monkeypatch.delenv("SSH_AUTH_SOCK")
    assert not found(None)
    assert not found("SSH_AUTH_SOCK")
    assert found(str(agent))
    monkeypatch.setenv("MY_AGENT", str(agent))
    assert found("$MY_AGENT")
    assert not found("$NO_AGENT")


def test_agent_that_is_gone_is_named(fake: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", os.devnull + "/gone")
    with pytest.raises(AuthenticationError) as caught:
        connect(dataclasses.replace(fake.config(), identity_agent=None, identity_files=()))
    assert caught.value.attempts[0].key == "agent (SSH_AUTH_SOCK)"
    assert "not reached at" in caught.value.attempts[0].answer


def test_agents_key_beyond_max_auth_tries(tmp_path: Path, agent: Path) -> None:
    del agent
    with running_sshd(tmp_path / "strict", "MaxAuthTries 2") as server:
        for number in range(4):
            key = tmp_path / f"key{number}"
            generate_key_pair(key)
            run("ssh-add", "-q", key)
        host = host_with(server, server.client_key, identity_agent=None, identities_only=False)
        with pytest.raises(AuthenticationError) as caught:
            connect(host)
        assert "IdentitiesOnly yes" in caught.value.hint
        assert "Too many authentication failures" in caught.value.message
        connect(dataclasses.replace(host, identities_only=True)).close()


LIST_KEYS = "ssh-add -l; echo status $?"


@pytest.mark.parametrize("by_path", [False, True], ids=["yes", "path"])
def test_agent_is_forwarded(sshd: Sshd, agent: Path, tmp_path: Path, by_path: bool) -> None:
    key = make_key(tmp_path / "forwarded", "-t", "ed25519")
    run("ssh-add", "-q", key)
    setting = str(agent) if by_path else True
    host = resolve("target", config_file=sshd.ssh_config)
    agents = dataclasses.replace(host, forward_agent=setting, identity_agent=str(agent))
    for config, words in ((agents, b"ED25519"), (host, b"status 2")):
        out: list[bytes] = []
        with connect(config) as connection:
            connection.run(LIST_KEYS, stdout=out.append, stderr=out.append)
        assert words in b"".join(out)


def test_forwarded_agent_that_is_gone(sshd: Sshd, tmp_path: Path) -> None:
    host = resolve("target", config_file=sshd.ssh_config)
    host = dataclasses.replace(host, forward_agent=str(tmp_path / "gone"))
    out: list[bytes] = []
    with connect(host) as connection:
        connection.run(LIST_KEYS, stdout=out.append, stderr=out.append)
    assert b"status" in b"".join(out)
