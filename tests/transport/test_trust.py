"""Host keys: nobody is let in whose key is not in known_hosts, and the message helps."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

import paramiko
import pytest

from qxub.transport import (
    ConnectionLost,
    Exited,
    HostKeyChanged,
    HostKeyError,
    HostKeyRevoked,
    HostKeyUnknown,
    connect,
)
from qxub.transport.blobs import write_string
from qxub.transport.host_keys import host_key_algorithms, known_host
from tests.fakes.ssh_host import FakeHost, fake_host

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport.session import Session


def reaches(host: FakeHost) -> None:
    with connect(host.config()) as connection:
        end = connection.run("exit 7", stdout=lambda _: None, stderr=lambda _: None)
    assert end == Exited(7)


def key_of(host: FakeHost) -> str:
    """The server's key as "TYPE BASE64"."""
    return host.server.known_hosts_lines[0].split(" ", 1)[1]


def hashed(name: str) -> str:
    salt = b"0123456789abcdef0123"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return "|1|" + base64.b64encode(salt).decode() + "|" + base64.b64encode(digest).decode()


def test_unknown_key_is_refused_and_the_line_to_add_is_shown(fake: FakeHost) -> None:
    fake.known_hosts.unlink()
    with pytest.raises(HostKeyUnknown) as caught:
        connect(fake.config())
    error = caught.value
    line = fake.server.known_hosts_lines[0]
    blob = base64.b64decode(line.split()[2])
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    assert f"ssh-ed25519 key SHA256:{digest}" in error.message
    assert str(fake.known_hosts) in error.hint
    assert error.hint.endswith("\n" + line)
    assert error.host == "target"
    assert not fake.known_hosts.exists(), "nothing is ever added"
    fake.known_hosts.write_text(error.hint.splitlines()[-1] + "\n")
    reaches(fake)


def test_changed_key_is_refused_with_its_line(fake: FakeHost, tmp_path: Path) -> None:
    with fake_host(tmp_path / "other") as other:
        name = f"[127.0.0.1]:{fake.server.port}"
        fake.known_hosts.write_text(
            f"# comment\n{name} {key_of(other)}\n127.0.0.1 {key_of(fake)}\n"
        )
    with pytest.raises(HostKeyChanged, match=re.escape(f"{fake.known_hosts}:2")):
        connect(fake.config())


def test_revoked_key_is_refused(fake: FakeHost) -> None:
    lines = fake.known_hosts.read_text()
    fake.known_hosts.write_text(f"{lines}@revoked * {key_of(fake)}\n")
    with pytest.raises(HostKeyRevoked, match=re.escape(f"{fake.known_hosts}:2")):
        connect(fake.config())


@pytest.mark.parametrize(
    "form",
    [
        "[127.0.0.1]:{port} {key}",
        "other,[127.0.0.1]:{port} {key} a comment",
        "[127.0.0.?]:* {key}",
        "{hashed} {key}",
        "127.0.0.1 {key}",  # the name without the port, where none has it
        "garbage\n@unknown x {key}\n[127.0.0.1]:{port} ssh-rsa AAAA!\n\n[127.0.0.1]:{port} {key}",
    ],
)
def test_forms_that_know_the_host(fake: FakeHost, form: str) -> None:
    write_form(fake, form)
    reaches(fake)


@pytest.mark.parametrize(
    "form",
    [
        "[127.0.0.1]:1 {key}",
        "[127.0.0.1]:*,![127.0.0.1]:{port} {key}",
        "@cert-authority * {key}",
        "@cert-authority [127.0.0.1]:{port} {key}",
        "# [127.0.0.1]:{port} {key}",
    ],
)
def test_forms_that_do_not(fake: FakeHost, form: str) -> None:
    write_form(fake, form)
    with pytest.raises(HostKeyUnknown):
        connect(fake.config())


def write_form(fake: FakeHost, form: str) -> None:
    port = fake.server.port
    name = hashed(f"[127.0.0.1]:{port}")
    fake.known_hosts.write_text(form.format(port=port, key=key_of(fake), hashed=name) + "\n")


def test_bad_line_is_reported(fake: FakeHost, caplog: pytest.LogCaptureFixture) -> None:
    fake.known_hosts.write_text("[127.0.0.1]:1 ssh-rsa\n" + fake.known_hosts.read_text())
    reaches(fake)
    assert f"{fake.known_hosts}:1: line ignored" in caplog.text


@pytest.mark.parametrize("known", [0, 1])
def test_the_known_key_is_the_one_negotiated(tmp_path: Path, known: int) -> None:
    types = ("ssh-ed25519", "ecdsa-sha2-nistp256")
    with fake_host(tmp_path / "two", host_key_types=types) as host:
        host.known_hosts.write_text(host.server.known_hosts_lines[known] + "\n")
        reaches(host)


def test_rsa_keys_bring_their_two_algorithms_forward(fake: FakeHost) -> None:
    key = write_string(b"ssh-rsa") + write_string(b"\1\0\1") + write_string(b"\0\x80" + bytes(127))
    blob = base64.b64encode(key).decode()
    fake.known_hosts.write_text(f"[127.0.0.1]:{fake.server.port} ssh-rsa {blob}\n")
    config = fake.config()
    ordered = host_key_algorithms(config, known_host(config))
    assert ordered[:3] == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519")


def test_host_key_alias_is_looked_up_without_port(fake: FakeHost) -> None:
    fake.known_hosts.write_text(f"login.example {key_of(fake)}\n")
    config = dataclasses.replace(fake.config(), host_key_alias="Login.Example")
    connect(config).close()


def test_nothing_is_sent_before_the_key_is_accepted(
    fake: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(paramiko.Transport, "auth_none", lambda _self, user: asked.append(user))
    fake.known_hosts.write_text("")
    with pytest.raises(HostKeyError):
        connect(fake.config())
    assert asked == []


def test_host_key_that_changes_at_a_rekey_ends_the_connection(tmp_path: Path) -> None:
    """The server swaps its key of the same type and asks for new session keys."""
    from qxub.transport.server import _new_host_key

    def swap_keys(session: Session) -> None:
        transport = session._channel.get_transport()
        transport.add_server_key(_new_host_key("ssh-ed25519"))
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):  # the client leaves
            transport.renegotiate_keys()

    with (
        fake_host(tmp_path / "swap", handler=swap_keys) as host,
        connect(host.config()) as connection,
        pytest.raises(ConnectionLost, match="changed its host key"),
    ):
        connection.run("swap", stdout=lambda _: None, stderr=lambda _: None)
