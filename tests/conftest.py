"""Fixtures for all tests: the real parts, one of each for the whole session."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.real.accounts import throw_away_account
from tests.real.slurm import Slurm, running_slurm
from tests.real.sshd import Sshd, running_sshd, sshd_for

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples each time, so that a red run tells of a change. To look for new ones:
# --hypothesis-profile=default.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

ACCEPT_ENV = "AcceptEnv LC_*"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the long tests, so that they run side by side with `-n 2 --dist worksteal`."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if item not in slow]
    for number, item in enumerate(slow):
        others.insert((number * len(items)) // len(slow), item)
    items[:] = others


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """OpenSSH's sshd on a loopback port, for the whole session."""
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def user_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd for a login that is not root's, so that it passes signals on; it takes LC_*."""
    directory = tmp_path_factory.mktemp("user sshd")
    with contextlib.ExitStack() as stack:
        is_root = sys.platform != "win32" and os.geteuid() == 0
        account = stack.enter_context(throw_away_account()) if is_root else None
        yield stack.enter_context(sshd_for(account, directory, ACCEPT_ENV))


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A one-node Slurm, for the whole session; add its `.env` to a client's environment."""
    with running_slurm(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def larger_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """One with accounting, which enforces memory where cgroups can, for the whole session."""
    with running_slurm(tmp_path_factory.mktemp("slurm"), is_larger=True) as cluster:
        yield cluster
