"""Conda environments, by fakes of conda, mamba and micromamba that speak as the real ones do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qxub.job import ExecutionContext, JobSpec
from tests.execution.scripts import ran
from tests.posix import runs_jobs

pytestmark = runs_jobs
FAKES = Path(__file__).parents[1] / "fakes" / "conda"
SHOW = ("sh", "-c", "which-python; echo $CONDA_PREFIX")


def install(program: Path, fake: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(FAKES / fake, program)


def make_environment(path: Path) -> Path:
    """Make a conda environment that has a program of its own."""
    program = path / "bin" / "which-python"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho python of {path.name}\n")
    program.chmod(0o755)
    return path


def spec(environment: str) -> JobSpec:
    return JobSpec(SHOW, context=ExecutionContext(environment=environment))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A conda with the environments pytorch and "my env"."""
    prefix = tmp_path / "a conda"
    install(prefix / "bin" / "conda", "conda")
    for name in ("pytorch", "my env"):
        make_environment(prefix / "envs" / name)
    return prefix


@pytest.mark.parametrize("name", ["pytorch", "my env"])
def test_an_environment_by_name(
    prefix: Path, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    environment["CONDA_EXE"] = str(prefix / "bin" / "conda")
    files = ran(tmp_path, spec(name), environment)
    assert files.stdout.read_text() == f"python of {name}\n{prefix}/envs/{name}\n"
    assert files.stderr.read_bytes() == b""


def test_an_environment_by_path(prefix: Path, environment: dict[str, str], tmp_path: Path) -> None:
    environment["PATH"] += f":{prefix}/bin"
    path = make_environment(tmp_path / "elsewhere")
    assert ran(tmp_path, spec(str(path)), environment).stdout.read_text().endswith(f"{path}\n")


@pytest.mark.parametrize("place", ["miniforge3", "mambaforge", "miniconda3", "anaconda3"])
def test_conda_in_the_usual_places(
    prefix: Path, environment: dict[str, str], tmp_path: Path, place: str
) -> None:
    shutil.move(str(prefix), f"{environment['HOME']}/{place}")
    files = ran(tmp_path, spec("pytorch"), environment)
    assert files.stdout.read_text().startswith("python of pytorch\n"), files.setup_words()


@pytest.mark.parametrize("how", ["MAMBA_EXE", "PATH", "usual place"])
@pytest.mark.parametrize("name", ["micromamba", "mamba"])
def test_mamba_and_micromamba(
    environment: dict[str, str], tmp_path: Path, how: str, name: str
) -> None:
    home = Path(environment["HOME"])
    program = home / ".local" / "bin" / name
    install(program, "micromamba")
    if how == "MAMBA_EXE":
        environment["MAMBA_EXE"] = str(program)
    elif how == "PATH":
        environment["PATH"] += f":{program.parent}"
    elif name == "mamba":
        program.rename(program.with_name("micromamba"))
    make_environment(home / "micromamba" / "envs" / "pytorch")
    files = ran(tmp_path, spec("pytorch"), environment)
    assert files.stdout.read_text().startswith("python of pytorch\n"), files.setup_words()


@pytest.mark.parametrize("program", ["conda", "micromamba"])
def test_an_environment_that_is_not_there_shows_those_that_are(
    prefix: Path, environment: dict[str, str], tmp_path: Path, program: str
) -> None:
    install(prefix / "bin" / program, program)
    environment["CONDA_EXE"] = str(prefix / "bin" / program)
    environment["MAMBA_ROOT_PREFIX"] = str(prefix)
    files = ran(tmp_path, spec("pytorhc"), environment)
    ending = files.ending()
    assert ending is not None
    assert (ending.word, ending.detail) == ("setup", "activating the conda environment pytorhc")
    words = files.setup_words()
    assert "pytorhc" in words
    assert f"{prefix}/envs/pytorch" in words
    assert f"{prefix}/envs/my env" in words


def test_where_there_is_no_conda_that_is_said(environment: dict[str, str], tmp_path: Path) -> None:
    environment["CONDA_EXE"] = "/gone/bin/conda"
    files = ran(tmp_path, spec("pytorch"), environment)
    ending = files.ending()
    assert ending is not None
    assert ending.word == "setup"
    assert "No conda, mamba or micromamba in CONDA_EXE, MAMBA_EXE, on PATH" in files.setup_words()


def test_what_an_activation_script_says_and_sets(
    prefix: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    scripts = prefix / "envs" / "pytorch" / "etc" / "conda" / "activate.d"
    scripts.mkdir(parents=True)
    (scripts / "one.sh").write_text("echo hello from activation; export CUDA_HOME=/cuda LEVEL=1\n")
    environment["CONDA_EXE"] = str(prefix / "bin" / "conda")
    job = JobSpec(
        ("sh", "-c", "echo $CUDA_HOME $LEVEL"),
        context=ExecutionContext(environment="pytorch"),
        variables=(("LEVEL", "2"),),
    )
    files = ran(tmp_path, job, environment)
    assert files.stdout.read_text() == "/cuda 2\n"
    assert "hello from activation" in files.setup_words()
