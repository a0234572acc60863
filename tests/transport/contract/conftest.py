"""The servers of the contract, one of each for the whole session, and hosts on them for a test.

QXUB_CONTRACT_HOST=FILE names an ssh_config whose `target` is used in place of an sshd of our own: a
Windows client has none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.accounts import throw_away_account
from tests.transport.contract.hosts import FarHost, dropbear_host, fake_shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport import HostConfig
    from tests.fakes.ssh_host import FakeHost
    from tests.real.accounts import Account
    from tests.real.sshd import Sshd

SERVERS = ("fake", "sshd", "dropbear")


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    with throw_away_account() as made:
        yield made


@pytest.fixture(scope="session")
def far_fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarHost]:
    with fake_shell(tmp_path_factory.mktemp("fake")) as host:
        yield host


@pytest.fixture(scope="session")
def far_sshd(request: pytest.FixtureRequest) -> FarHost:
    """The one that is elsewhere, or ours for an ordinary user, who may send signals."""
    elsewhere = os.environ.get("QXUB_CONTRACT_HOST")
    if elsewhere:
        return FarHost("sshd", Path(elsewhere))
    server: Sshd = request.getfixturevalue("user_sshd")
    return FarHost("sshd", server.ssh_config)


@pytest.fixture(scope="session")
def far_dropbear(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarHost]:
    with dropbear_host(account, tmp_path_factory.mktemp("dropbear") / "server") as host:
        yield host


@pytest.fixture(scope="session", params=SERVERS)
def far(request: pytest.FixtureRequest) -> FarHost:
    """A host with a POSIX shell."""
    host: FarHost = request.getfixturevalue(f"far_{request.param}")
    return host


@pytest.fixture(params=SERVERS)
def host(request: pytest.FixtureRequest) -> HostConfig:
    """A host that knows the commands of tests/fakes/scenarios.py: the fake plays them."""
    if request.param == "fake":
        fake: FakeHost = request.getfixturevalue("fake")
        return fake.config()
    far: FarHost = request.getfixturevalue(f"far_{request.param}")
    return far.config
