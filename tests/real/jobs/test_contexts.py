"""Execution contexts as jobs enter them: modules are real, conda and apptainer are fakes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.requirements import require

if TYPE_CHECKING:
    from tests.real.jobs.sites import Desk

pytestmark = pytest.mark.timeout(300)

TCL_MODULES = Path("/usr/share/modules/init/bash")
CONDA = Path(__file__).parents[2] / "fakes" / "conda" / "conda"
RUNTIME = '#!/bin/sh\nprintf "<%s>" apptainer "$@"\n'


def executable(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


@pytest.fixture
def equipped(desk: Desk) -> Desk:
    """The desk of a user whose home has a conda, and modules for it and for a container runtime."""
    if desk.site.is_elsewhere:
        pytest.skip("a cluster of others has contexts of its own")
    if not TCL_MODULES.exists():
        require("environment-modules", f"no {TCL_MODULES}")
    files = desk.home / "modulefiles"
    for name, tools in (("runtime", desk.home / "tools"), ("greeting", desk.home / "greetings")):
        file = files / name / "1.0"
        file.parent.mkdir(parents=True)
        file.write_text(f"#%Module1.0\nprepend-path PATH {tools}\nsetenv GREETING hello\n")
    executable(desk.home / "tools" / "apptainer", RUNTIME)
    executable(desk.home / "greetings" / "greet", "#!/bin/sh\necho $GREETING from a module\n")
    (desk.home / ".modulerc").write_text(f"#%Module1.0\nmodule use {files}\n")
    conda = desk.home / "miniconda3"
    executable(conda / "envs" / "pytorch" / "bin" / "greet", "#!/bin/sh\necho from $CONDA_PREFIX\n")
    (conda / "bin").mkdir()
    shutil.copy(CONDA, conda / "bin" / "conda")
    environment = {**desk.site.environment, "HOME": str(desk.home)}
    return dataclasses.replace(desk, site=dataclasses.replace(desk.site, environment=environment))


def test_the_default_context(equipped: Desk) -> None:
    ended = equipped.exec("--default", "--", "sh", "-c", "echo ${GREETING:-none}")
    assert (ended.status, ended.out) == (0, b"none\n")


def test_modules(equipped: Desk) -> None:
    ended = equipped.exec("--mod", "greeting/1.0", "--", "greet")
    assert (ended.status, ended.out, ended.err) == (0, b"hello from a module\n", "")


def test_a_conda_environment(equipped: Desk) -> None:
    ended = equipped.exec("--env", "pytorch", "--", "greet")
    expected = f"from {equipped.home}/miniconda3/envs/pytorch\n"
    assert (ended.status, ended.out.decode(), ended.err) == (0, expected, "")


def test_modules_come_before_the_conda_environment(equipped: Desk) -> None:
    words = ("--env", "pytorch", "--mod", "greeting", "--", "sh", "-c", "greet; echo $GREETING")
    ended = equipped.exec(*words)
    expected = f"from {equipped.home}/miniconda3/envs/pytorch\nhello\n"
    assert (ended.status, ended.out.decode()) == (0, expected)


def test_a_container_whose_runtime_a_module_brings(equipped: Desk) -> None:
    words = ("--mod", "runtime", "--sif", "my image.sif", "--bind", "/data:/mnt")
    ended = equipped.exec(*words, "--", "train", "a b")
    assert (ended.status, ended.out) == (
        0,
        b"<apptainer><exec><--bind></data:/mnt><my image.sif><train><a b>",
    )


def test_an_environment_that_is_not_there_is_told_with_those_that_are(equipped: Desk) -> None:
    ended = equipped.exec("--env", "pytorhc", "--", "touch", "ran")
    assert (ended.status, ended.kind) == (71, "remote setup failed")
    assert "pytorch" in ended.err
    assert not (equipped.work / "ran").exists()
