"""A laptop with Windows, and the cluster that it reaches."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.real.requirements import require
from tests.windows.far_side import FarSide
from tests.windows.prompt import Prompt, new_profile
from tests.windows.session import Wine, running_wine
from tests.windows.wine import Root, obstacle, root_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.slurm import Slurm
    from tests.real.sshd import Sshd


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    """Wine, up and running; without it the test is skipped, or fails: see requirements.py."""
    root = Root(root_directory())
    reason = obstacle(root)
    if reason:
        require("windows", reason)
    with running_wine(root, tmp_path_factory.mktemp("wine")) as running:
        yield running


@pytest.fixture(params=["oldest", "newest"], scope="session")
def each_python(request: pytest.FixtureRequest) -> int:
    """For tests that run under both Windows Pythons: an index into the list of them."""
    return {"oldest": 0, "newest": -1}[request.param]


@pytest.fixture
def prompt(wine: Wine, request: pytest.FixtureRequest) -> Iterator[Prompt]:
    """A prompt with a fresh profile: the oldest Python's, which starts faster, or each one's."""
    both = "each_python" in request.fixturenames
    index = request.getfixturevalue("each_python") if both else 0
    with new_profile(wine.root) as profile:
        yield Prompt(wine, wine.root.pythons()[index], profile)


@pytest.fixture(scope="session")
def far_side(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarSide]:
    """The login node of a machine whose scheduler is the embedded one."""
    far = FarSide(sshd, tmp_path_factory.mktemp("far side"), {})
    far.lay_out("local")
    yield far
    if sys.platform != "win32":
        from qxub.execution.local_batch.queue_posix import LocalBatch

        LocalBatch(far.state).end_all()


@pytest.fixture(scope="session")
def far_slurm(sshd: Sshd, slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> FarSide:
    """The login node of a Slurm cluster."""
    far = FarSide(sshd, tmp_path_factory.mktemp("far slurm"), slurm.env)
    far.lay_out("slurm")
    return far


@pytest.fixture
def laptop(prompt: Prompt, far_side: FarSide) -> Prompt:
    """A prompt whose user has set up the platform `far`, with every file in its default place."""
    far_side.write_user_files(prompt.profile)
    return prompt
