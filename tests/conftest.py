"""Fixtures for all tests: the real parts, one of each for the whole session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.slurm import Slurm, running_slurm
from tests.real.sshd import Sshd, running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """OpenSSH's sshd on a loopback port, for the whole session."""
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A one-node Slurm, for the whole session; add its `.env` to a client's environment."""
    with running_slurm(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster
