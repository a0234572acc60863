"""The sites of the suite, and a desk at each for a test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.batch.harness import COMMANDS
from tests.real.jobs.sites import Desk, Site, environment_without
from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.slurm import Slurm

LOCAL = (sys.executable, "-m", "qxub.cli.local_batch_posix")
SQUEUE = """#!/bin/bash
exec {real} "${{@/#--states=all/--states=PD,CF,R,S,CG}}"
"""


SITES = ("local", "pbs", "slurm")
LARGER = "slurm_larger"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test at each site; at the Slurm with accounting, what the scheduler must tell."""
    if "site" in metafunc.fixturenames:
        is_told = metafunc.definition.get_closest_marker("told_by_scheduler") is not None
        metafunc.parametrize("site", [*SITES, LARGER] if is_told else SITES, indirect=True)


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    if sys.platform == "win32":
        pytest.skip("jobs run on POSIX systems")
    environment = environment_without("QXUB_")
    if request.param == "local":
        environment["XDG_STATE_HOME"] = str(tmp_path / "home" / "state")
        return Site("local", "local", environment, (*LOCAL, "cancel"), (*LOCAL, "release"))
    if request.param == "pbs":
        if os.environ.get("QXUB_TEST_PBS") == "1":
            return _real_pbs(environment)
        return fake_pbs(tmp_path / "pbs", environment)
    if request.param == LARGER:
        slurm: Slurm = request.getfixturevalue("larger_slurm")
        _forget_what_has_ended(tmp_path / "bin", environment)
    else:
        slurm = request.getfixturevalue("slurm")
    environment.update(slurm.env)
    crowded = ("--queue", "crowded")
    name = str(request.param)
    return Site(name, "slurm", environment, ("scancel",), ("scontrol", "release"), crowded=crowded)


def _forget_what_has_ended(commands: Path, environment: dict[str, str]) -> None:
    """Have squeue show no job that has ended, as when MinJobAge is over: sacct must tell."""
    commands.mkdir()
    squeue = commands / "squeue"
    squeue.write_text(SQUEUE.format(real=shutil.which("squeue")))
    squeue.chmod(0o755)
    environment["PATH"] = os.pathsep.join((str(commands), environment["PATH"]))


def _real_pbs(environment: dict[str, str]) -> Site:
    """The one whose commands are first on PATH. Its queues may have no limits: a project has."""
    ask = ["qstat", "-B", "-f", "-F", "json"]
    told = json.loads(subprocess.run(ask, env=environment, capture_output=True, check=True).stdout)
    (server,) = told["Server"].values()
    return Site(
        "pbs", "pbs_pro", environment, ("qdel",), ("qrls",),
        is_elsewhere=True,
        forgets=server.get("job_history_enable") != "True",
        refused=("--project", "no/project"),
    )  # fmt: skip


def fake_pbs(state: Path, environment: dict[str, str], *switches: str) -> Site:
    """The one of tests/fakes/batch; its clock is the machine's."""
    state.mkdir()
    for switch in switches:
        (state / switch).touch()
    environment["PATH"] = os.pathsep.join((str(COMMANDS), environment["PATH"]))
    environment["FAKE_PBS"] = str(state)
    forgets = "nohistory" in switches
    return Site("pbs", "pbs_pro", environment, ("qdel",), ("qrls",), forgets=forgets)


@pytest.fixture
def desk(site: Site, tmp_path: Path) -> Iterator[Desk]:
    if shutil.which("bash") is None:
        require("bash", "jobs need bash")
    made = Desk.at(site, tmp_path)
    yield made
    if site.is_elsewhere:
        made.delete_all()
