"""A chain of three real sshds: two bastions and a target (tests/real/chain.py)."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    AuthenticationError,
    ChannelError,
    ConnectError,
    ConnectionLost,
    Exited,
    HostKeyChanged,
    HostKeyUnknown,
    connect,
    resolve,
)
from tests.fakes import relay
from tests.fakes.both_streams import random_bytes
from tests.fakes.cutting_proxy import CuttingProxy
from tests.fakes.scenarios import BIG, BIG_ON_BOTH_STREAMS
from tests.real.chain import NAMES, Chain, running_chain
from tests.real.processes import free_port
from tests.transport.test_dialing import silent_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport import HostConfig

HANG = 60


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with running_chain(tmp_path_factory.mktemp("chain")) as running:
        yield running


@pytest.fixture
def target(chain: Chain) -> HostConfig:
    return resolve("target", config_file=chain.ssh_config)


def hops(target: HostConfig) -> list[HostConfig]:
    """The hosts by name: one, two, target."""
    assert target.jump is not None
    assert target.jump.jump is not None
    return [target.jump.jump, target.jump, target]


def chained(*hosts: HostConfig) -> HostConfig:
    """The last of the hosts, by way of the others."""
    before: HostConfig | None = None
    for host in hosts:
        before = dataclasses.replace(host, jump=before)
    assert before is not None
    return before


def test_command_at_the_end_of_the_chain(chain: Chain, target: HostConfig) -> None:
    out = bytearray()
    with connect(target) as connection:
        end = connection.run("echo $SSH_CONNECTION; exit 7", stdout=out.extend, stderr=out.extend)
    assert end == Exited(7)
    assert out.split()[-1] == str(chain.servers["target"].port).encode()
    assert chain.has_logins() == dict.fromkeys(NAMES, True)


def test_bastion_that_is_reached_by_a_proxy_command(target: HostConfig) -> None:
    one, two, last = hops(target)
    argv = [sys.executable, "-I", "-S", relay.__file__, one.hostname, str(one.port)]
    one = dataclasses.replace(one, proxy_command=shlex.join(argv))
    with connect(chained(one, two, last)) as connection:
        assert connection.run("exit 7", stdout=_ignore, stderr=_ignore) == Exited(7)


def test_target_that_does_not_answer_the_last_bastion(target: HostConfig) -> None:
    """The tunnel is neither opened nor refused."""
    with (
        silent_port() as port,
        pytest.raises(ConnectError, match="^two: jump host, tunnel to 127."),
    ):
        connect(dataclasses.replace(target, port=port, connect_timeout=1.0))


def test_much_arrives_whole(target: HostConfig) -> None:
    out, err = bytearray(), bytearray()
    with connect(target) as connection:
        end = connection.run(BIG_ON_BOTH_STREAMS, stdout=out.extend, stderr=err.extend)
    assert end == Exited(0)
    assert (out == random_bytes(1, BIG), err == random_bytes(2, BIG)) == (True, True)


@pytest.mark.parametrize("number", range(3), ids=NAMES)
def test_key_of_every_hop_must_be_known(target: HostConfig, number: int) -> None:
    hosts = hops(target)
    hosts[number] = dataclasses.replace(hosts[number], user_known_hosts_files=())
    with pytest.raises(HostKeyUnknown) as caught:
        connect(chained(*hosts))
    assert caught.value.host == NAMES[number]
    assert names_the_way(str(caught.value), number)


@pytest.mark.parametrize("number", range(3), ids=NAMES)
def test_wrong_key_of_every_hop_is_refused(chain: Chain, target: HostConfig, number: int) -> None:
    hosts = hops(target)
    other = NAMES[number - 1]
    wrong = chain.servers[NAMES[number]].directory / "wrong_known_hosts"
    lines = chain.servers[other].known_hosts.read_text()
    wrong.write_text(lines.replace(f":{chain.servers[other].port} ", f":{hosts[number].port} "))
    hosts[number] = dataclasses.replace(hosts[number], user_known_hosts_files=(wrong,))
    with pytest.raises(HostKeyChanged) as caught:
        connect(chained(*hosts))
    assert caught.value.host == NAMES[number]
    assert names_the_way(str(caught.value), number)


@pytest.mark.parametrize("number", range(3), ids=NAMES)
def test_every_hop_wants_its_own_key(target: HostConfig, number: int) -> None:
    hosts = hops(target)
    wrong = hosts[number - 1].identity_files
    hosts[number] = dataclasses.replace(hosts[number], identity_files=wrong)
    with pytest.raises(AuthenticationError) as caught:
        connect(chained(*hosts))
    assert caught.value.host == NAMES[number]
    assert names_the_way(str(caught.value), number)


def test_first_bastion_that_is_down(target: HostConfig) -> None:
    one, two, last = hops(target)
    with pytest.raises(ConnectError) as caught:
        connect(chained(dataclasses.replace(one, port=free_port()), two, last))
    assert names_the_way(str(caught.value), 0)
    assert caught.value.host == "one"


def test_second_bastion_that_is_down(target: HostConfig) -> None:
    one, two, last = hops(target)
    down = free_port()
    with pytest.raises(ChannelError) as caught:
        connect(chained(one, dataclasses.replace(two, port=down), last))
    words = str(caught.value)
    assert words.startswith("jump host two (on the way to target): one: jump host, tunnel to ")
    assert f"127.0.0.1:{down}" in words


def test_bastion_that_forbids_tunnels(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("strict")
    with running_chain(directory, options={"two": ["AllowTcpForwarding no"]}) as strict:
        host = resolve("target", config_file=strict.ssh_config)
        with pytest.raises(ChannelError, match=r"^two: jump host, tunnel to .*prohibited"):
            connect(host)


@pytest.mark.parametrize("number", range(3), ids=NAMES)
def test_silent_hop_ends_within_its_own_connect_time(target: HostConfig, number: int) -> None:
    hosts = hops(target)
    with CuttingProxy(hosts[number].port) as proxy:
        proxy.stall()
        hosts[number] = dataclasses.replace(hosts[number], port=proxy.port, connect_timeout=1.0)
        begun = time.monotonic()
        with pytest.raises(ConnectError, match="the connect time of 1 s was up") as caught:
            connect(chained(*hosts))
        assert time.monotonic() - begun < HANG
    assert names_the_way(str(caught.value), number)


@pytest.mark.parametrize("number", range(3), ids=NAMES)
def test_hop_that_is_lost_while_a_command_runs(target: HostConfig, number: int) -> None:
    hosts = hops(target)
    with CuttingProxy(hosts[number].port) as proxy:
        name = hosts[number].known_hosts_name
        hosts[number] = dataclasses.replace(hosts[number], port=proxy.port, host_key_alias=name)
        with connect(chained(*hosts)) as connection:
            process = connection.start("cat")
            proxy.cut()
            with pytest.raises(ConnectionLost) as caught:
                process.drain(_ignore, _ignore)
    reason = "the connection was closed"
    assert (f"jump host {NAMES[number]}: {reason})" if number < 2 else reason) in str(caught.value)


def test_closing_ends_every_hop(target: HostConfig) -> None:
    before = set(threading.enumerate())
    connection = connect(target)
    assert set(threading.enumerate()) - before
    process = connection.start("cat")
    connection.close()
    with pytest.raises((ChannelError, ConnectionLost)):
        process.write(b"x")
    process.close()
    deadline = time.monotonic() + HANG
    while set(threading.enumerate()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names_the_way(message: str, number: int) -> bool:
    """Whether a message names the hop at which it failed, and where that led."""
    after = {
        0: "jump host two (on the way to target): jump host one (on the way to two): ",
        1: "jump host two (on the way to target): ",
        2: "target: ",
    }
    return message.startswith(after[number])


def _ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""
