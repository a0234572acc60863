"""What jobs with a context run in: an environment that has not met modules or conda yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = ("MODULE", "LMOD", "LOADED", "_LM", "_Module", "BASH_", "CONDA", "MAMBA", "APPTAINER",
           "SINGULARITY", "QXUB_")  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a bare login shell, with an empty HOME."""
    home = tmp_path / "home"
    home.mkdir()
    bare = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**bare, "HOME": str(home), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def tools(tmp_path: Path, environment: dict[str, str]) -> Path:
    """Return a directory for programs that is first on PATH."""
    directory = tmp_path / "tools"
    directory.mkdir()
    environment["PATH"] = f"{directory}:{environment['PATH']}"
    return directory
