"""Algorithms: ours against an sshd that has only one of each kind, and what is said if none is."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from qxub.transport import AuthenticationError, ConnectError, Exited, connect, resolve
from qxub.transport.paramiko_hooks import PLAIN_HOST_KEY_ALGORITHMS
from qxub.transport.ssh_config.algorithms import OURS
from tests.real.requirements import require
from tests.real.sshd import running_sshd, write_key

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport import HostConfig
    from tests.fakes.ssh_host import FakeHost
    from tests.real.sshd import Sshd

WEAK = ("sha1", "cbc", "3des", "md5", "ssh-dss", "arcfour", "umac-64")


def target(server: Sshd, *lines: str) -> HostConfig:
    config = server.directory / "client_config"
    config.write_text("\n".join([*lines, server.ssh_config.read_text()]))
    return resolve("target", config_file=config)


def kex_algorithms_of_openssh() -> list[str]:
    """Give the key exchanges of this machine's OpenSSH: sshd has those of its client."""
    try:
        return subprocess.check_output(["ssh", "-Q", "kex"], text=True).split()
    except FileNotFoundError:
        require("ssh", "it tells which key exchanges its sshd has")


def login(host: HostConfig) -> None:
    with connect(host) as connection:
        assert connection.run("exit 7", stdout=_ignore, stderr=_ignore) == Exited(7)


def agreed(host: HostConfig) -> dict[str, object]:
    with connect(host) as connection:
        transport: Any = connection._transport
        return {
            "Ciphers": transport.remote_cipher,
            "MACs": transport.remote_mac,
            "HostKeyAlgorithms": transport.host_key_type,
            "strict": transport.agreed_on_strict_kex,
        }


def test_nothing_weak_is_offered() -> None:
    offered = [name for names in OURS.usable.values() for name in names]
    assert [name for name in offered if any(weak in name for weak in WEAK)] == []


@pytest.mark.parametrize(
    ("lines", "agreed_on"),
    [
        ([], "aes128-gcm@openssh.com"),
        (["Ciphers aes256-ctr,aes128-gcm@openssh.com"], "aes256-ctr"),
        (["Ciphers +aes128-gcm@openssh.com"], "aes128-ctr"),
    ],
    ids=["default", "named", "changed"],
)
def test_the_cheapest_cipher_unless_the_user_has_named_some(
    sshd: Sshd, lines: list[str], agreed_on: str, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("\n".join([*lines, f"Include {sshd.ssh_config}"]))
    assert agreed(resolve("target", config_file=config))["Ciphers"] == agreed_on


def test_strict_key_exchange_is_agreed_on(host: HostConfig) -> None:
    assert agreed(host)["strict"] is True


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        *(("KexAlgorithms", name) for name in OURS.usable["kexalgorithms"]),
        *(("Ciphers", name) for name in OURS.usable["ciphers"]),
        *(("MACs", name) for name in OURS.usable["macs"]),
        *(
            ("HostKeyAlgorithms", name)
            for name in PLAIN_HOST_KEY_ALGORITHMS
            if name not in {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}  # sshd has no such key
        ),
    ],
)
def test_each_algorithm_works(sshd: Sshd, keyword: str, name: str) -> None:
    if keyword == "KexAlgorithms" and name not in kex_algorithms_of_openssh():
        pytest.skip(f"this OpenSSH has no {name}")
    lines = [f"{keyword} {name}"]
    if keyword == "MACs":
        lines.append("Ciphers aes128-ctr")
    host = target(sshd, *lines)
    login(host)
    assert agreed(host).get(keyword, name) == name


@pytest.mark.parametrize(
    ("keyword", "server_has", "client_wants", "kind"),
    [
        ("KexAlgorithms", "ecdh-sha2-nistp384", "curve25519-sha256", "key-exchange algorithm"),
        ("Ciphers", "aes256-ctr", "aes128-ctr", "cipher"),
        ("MACs", "hmac-sha2-512", "hmac-sha2-256", "MAC"),
        ("HostKeyAlgorithms", "rsa-sha2-512", "ssh-ed25519", "host-key algorithm"),
    ],
)
def test_nothing_shared_for_want_of_a_line(
    tmp_path: Path, keyword: str, server_has: str, client_wants: str, kind: str
) -> None:
    options = [f"{keyword} {server_has}"] + (["Ciphers aes128-ctr"] if keyword == "MACs" else [])
    if keyword == "KexAlgorithms":
        client_wants = "curve25519-sha256@libssh.org"
    with running_sshd(tmp_path / "sshd", *options) as server:
        host = target(server, f"{keyword} {client_wants}")
        with pytest.raises(ConnectError) as caught:
            connect(host)
    message = f"no {kind} in common: the server offers {server_has}; this client offers"
    assert message in str(caught.value)
    assert str(caught.value).endswith(client_wants)
    assert f"{keyword} of {server.directory / 'client_config'}:1 leaves out" in caught.value.hint
    assert f'"{keyword} +{server_has}" there would help' in caught.value.hint


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        ("KexAlgorithms", "diffie-hellman-group14-sha1"),
        ("Ciphers", "aes256-cbc"),
        ("MACs", "hmac-sha1"),
    ],
)
def test_nothing_shared_and_nothing_would_help(tmp_path: Path, keyword: str, name: str) -> None:
    options = [f"{keyword} {name}"] + (["Ciphers aes128-ctr"] if keyword == "MACs" else [])
    with running_sshd(tmp_path / "sshd", *options) as server:
        host = target(server)
        with pytest.raises(ConnectError, match=f"the server offers {name}; this") as caught:
            connect(host)
    assert caught.value.hint.startswith("No line of ssh_config would help: this client can do ")


def test_cipher_that_needs_no_mac_works_where_no_mac_is_shared(tmp_path: Path) -> None:
    """As with OpenSSH; Paramiko insists on a MAC that it then does not use."""
    options = ["Ciphers aes128-gcm@openssh.com", "MACs umac-128-etm@openssh.com", "RekeyLimit 100K"]
    with running_sshd(tmp_path / "sshd", *options) as server:
        host = target(server)
        login(host)
        received = bytearray()
        with connect(host) as connection:
            command = "head -c 1000000 /dev/zero"
            assert connection.run(command, stdout=received.extend, stderr=_ignore) == Exited(0)
    assert received == bytes(1_000_000)


def test_what_paramiko_cannot_do_is_not_offered(fake: FakeHost) -> None:
    algorithms = {"kexalgorithms": ("future-kex", "ecdh-sha2-nistp256")}
    login(dataclasses.replace(fake.config(), algorithms=algorithms))
    only = dataclasses.replace(fake.config(), algorithms={"kexalgorithms": ("future-kex",)})
    with pytest.raises(ConnectError, match="this client offers none"):
        connect(only)


def test_own_defaults_where_nothing_was_resolved(host: HostConfig) -> None:
    login(dataclasses.replace(host, algorithms={}))


def test_accepted_algorithms_for_an_rsa_key(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "sshd", "PubkeyAcceptedAlgorithms rsa-sha2-256") as server:
        key = write_key(tmp_path / "rsa", rsa.generate_private_key(65537, 2048))
        (server.directory / "authorized_keys").write_text(key + "\n")
        identity = f"IdentityFile {tmp_path}/rsa"
        login(target(server, identity, "PubkeyAcceptedAlgorithms rsa-sha2-256"))
        with pytest.raises(AuthenticationError):
            connect(target(server, identity, "PubkeyAcceptedAlgorithms rsa-sha2-512"))


def _ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""
