"""Execution contexts as jobs enter them: modules are real, conda and apptainer are fakes."""

from __future__ import annotations

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
def conda(desk: Desk) -> Path:
    """A conda with the environment pytorch."""
    home = desk.home / "miniconda3"
    executable(home / "envs" / "pytorch" / "bin" / "greet", "#!/bin/sh\necho from $CONDA_PREFIX\n")
    (home / "bin").mkdir()
    shutil.copy(CONDA, home / "bin" / "conda")
    return home


@pytest.fixture
def modules(desk: Desk) -> Path:
    """A directory with two modules: one brings a command, the other a container runtime."""
    if not TCL_MODULES.exists():
        require("environment-modules", f"no {TCL_MODULES}")
    files = desk.home / "modulefiles"
    for name, tools in (("runtime", desk.home / "tools"), ("greeting", desk.home / "greetings")):
        file = files / name / "1.0"
        file.parent.mkdir(parents=True)
        file.write_text(f"#%Module1.0\nprepend-path PATH {tools}\nsetenv GREETING hello\n")
    executable(desk.home / "tools" / "apptainer", RUNTIME)
    executable(desk.home / "greetings" / "greet", "#!/bin/sh\necho $GREETING from a module\n")
    return files


def with_conda(conda: Path) -> tuple[str, str]:
    """Name it: the job's home is its user's, where there may be another one."""
    return "--var", f"CONDA_EXE={conda}/bin/conda"


def with_modules(modules: Path) -> tuple[str, str]:
    """Name their place, which counts instead of the site's."""
    return "--var", f"MODULEPATH={modules}"


def test_the_default_context(desk: Desk) -> None:
    ended = desk.exec("--default", "--", "sh", "-c", "echo ${GREETING:-none}")
    assert (ended.status, ended.out) == (0, b"none\n")


def test_modules(desk: Desk, modules: Path) -> None:
    ended = desk.exec(*with_modules(modules), "--mod", "greeting/1.0", "--", "greet")
    assert (ended.status, ended.out, ended.err) == (0, b"hello from a module\n", "")


def test_a_conda_environment(desk: Desk, conda: Path) -> None:
    ended = desk.exec(*with_conda(conda), "--env", "pytorch", "--", "greet")
    expected = f"from {conda}/envs/pytorch\n"
    assert (ended.status, ended.out.decode(), ended.err) == (0, expected, "")


def test_modules_come_before_the_conda_environment(desk: Desk, modules: Path, conda: Path) -> None:
    words = ("--env", "pytorch", "--mod", "greeting", "--", "sh", "-c", "greet; echo $GREETING")
    ended = desk.exec(*with_modules(modules), *with_conda(conda), *words)
    expected = f"from {conda}/envs/pytorch\nhello\n"
    assert (ended.status, ended.out.decode()) == (0, expected)


def test_a_container_whose_runtime_a_module_brings(desk: Desk, modules: Path) -> None:
    words = ("--mod", "runtime", "--sif", "my image.sif", "--bind", "/data:/mnt")
    ended = desk.exec(*with_modules(modules), *words, "--", "train", "a b")
    assert (ended.status, ended.out) == (
        0,
        b"<apptainer><exec><--bind></data:/mnt><my image.sif><train><a b>",
    )


def test_an_environment_that_is_not_there_is_told_with_those_that_are(
    desk: Desk, conda: Path
) -> None:
    ended = desk.exec(*with_conda(conda), "--env", "pytorhc", "--", "touch", "ran")
    assert (ended.status, ended.kind) == (71, "remote setup failed")
    assert "pytorch" in ended.err
    assert not (desk.work / "ran").exists()
