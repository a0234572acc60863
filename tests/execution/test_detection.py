"""Which scheduler is found: by name, and by which commands answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from qxub.errors import ConfigError
from qxub.execution.detection import find_scheduler
from tests.fakes.batch.harness import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands of a POSIX login node")

COMMANDS_OF_SITES = {
    # Debian's slurm-wlm-torque
    "wrapper": ("qsub", "echo 'Unknown option: version' >&2; echo Usage: qsub; exit 1"),
    "sbatch": ("sbatch", "echo slurm-wlm 22.05.8"),
    "pro": ("qsub", "echo pbs_version = 2021.1.4.20220503164229"),
    "broken": ("sbatch", "echo 'error while loading shared libraries' >&2; exit 127"),
}


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ([], "local"),
        (["wrapper"], "local"),
        (["wrapper", "sbatch"], "slurm"),
        (["sbatch"], "slurm"),
        (["pro"], "pbs_pro"),
        (["pro", "sbatch"], "pbs_pro"),
        (["broken"], "local"),
    ],
)
def test_the_commands_that_answer_decide(
    site: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, body in (COMMANDS_OF_SITES[key] for key in site):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "bash").symlink_to("/bin/bash")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_scheduler().name == expected


def test_the_fake_batch_system_is_taken_for_pbs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(COMMANDS), prepend=":")
    assert find_scheduler().name == "pbs_pro"


@pytest.mark.parametrize("name", ["pbs_pro", "slurm", "local"])
def test_a_name_decides_before_the_commands(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(COMMANDS), prepend=":")
    assert find_scheduler(name).name == name


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as refused:
        find_scheduler("torque")
    assert "unknown scheduler 'torque'" in refused.value.message
    assert refused.value.hint == "Known are: pbs_pro, slurm, local."
