"""ProxyJump, through real sshds: as jump host and as target."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    ChannelError,
    ConnectError,
    Exited,
    HostKeyUnknown,
    TransportError,
    connect,
    resolve,
)
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.transport import HostConfig
    from tests.real.sshd import Sshd


@pytest.fixture
def through(sshd: Sshd, tmp_path: Path) -> HostConfig:
    """The session's sshd as the jump host to itself, so that both ends are checked."""
    text = sshd.ssh_config.read_text().replace("Host target", "Host target jump")
    (tmp_path / "config").write_text("Host target\n  ProxyJump jump\n" + text)
    return resolve("target", config_file=tmp_path / "config")


def test_command_through_a_jump_host(through: HostConfig) -> None:
    out = bytearray()
    with connect(through) as connection:
        end = connection.run("echo $SSH_CLIENT; exit 7", stdout=out.extend, stderr=out.extend)
    assert end == Exited(7)
    assert out.startswith(b"127.0.0.1 ")


def test_command_through_two_jump_hosts(sshd: Sshd, tmp_path: Path) -> None:
    text = sshd.ssh_config.read_text().replace("Host target", "Host target one two")
    (tmp_path / "config").write_text("Host target\n  ProxyJump one,two\n" + text)
    out = bytearray()
    with connect(resolve("target", config_file=tmp_path / "config")) as connection:
        assert connection.run("echo there", stdout=out.extend, stderr=out.extend) == Exited(0)
    assert out == b"there\n"


def test_target_key_is_checked_through_the_jump_host(through: HostConfig) -> None:
    with pytest.raises(HostKeyUnknown, match=r"^target: "):
        connect(dataclasses.replace(through, user_known_hosts_files=()))


def test_jump_key_is_checked_and_the_hop_is_named(through: HostConfig) -> None:
    assert through.jump is not None
    hop = dataclasses.replace(through.jump, user_known_hosts_files=())
    with pytest.raises(HostKeyUnknown, match=r"^jump host jump \(on the way to target\): "):
        connect(dataclasses.replace(through, jump=hop))


def test_target_that_the_jump_host_cannot_reach(through: HostConfig) -> None:
    with pytest.raises(ChannelError, match=r"^jump: jump host, tunnel to 127.0.0.1:1: "):
        connect(dataclasses.replace(through, port=1))


def test_jump_host_that_is_down(through: HostConfig) -> None:
    assert through.jump is not None
    hop = dataclasses.replace(through.jump, port=1)
    with pytest.raises(ConnectError, match=r"^jump host jump"):
        connect(dataclasses.replace(through, jump=hop))


def test_jump_host_that_forbids_tunnels(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "strict", "AllowTcpForwarding no") as strict:
        hop = resolve("target", config_file=strict.ssh_config)
        target = dataclasses.replace(hop, alias="far", jump=hop)
        with pytest.raises(TransportError, match="prohibited") as caught:
            connect(target)
    assert isinstance(caught.value, ChannelError)
