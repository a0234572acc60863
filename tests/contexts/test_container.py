"""Containers, by a fake runtime that shows what it is called with: no registry has a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from qxub.job import ExecutionContext, JobSpec, Resources
from qxub.scheduler.slurm import Slurm
from tests.execution.scripts import bash, prepared, ran
from tests.posix import runs_jobs

pytestmark = runs_jobs
RECORD = r"""#!/bin/bash
printf "<%s>" "${0##*/}" "$@"
env | grep -E "^(APPTAINER|SINGULARITY)ENV_" | sort
"""


def install(tools: Path, *names: str) -> None:
    for name in names:
        (tools / name).write_text(RECORD)
        (tools / name).chmod(0o755)


def container(*binds: str) -> ExecutionContext:
    return ExecutionContext(container="my image.sif", binds=binds)


@pytest.mark.parametrize(
    ("installed", "used"),
    [
        (("apptainer",), "apptainer"),
        (("singularity",), "singularity"),
        (("apptainer", "singularity"), "apptainer"),
    ],
)
def test_the_command_runs_by_the_runtime_that_is_there(
    tools: Path, environment: dict[str, str], tmp_path: Path, installed: tuple[str, ...], used: str
) -> None:
    install(tools, *installed)
    spec = JobSpec(("python", "a b", ""), context=container("/a b:/c:ro", "/d"))
    said = ran(tmp_path, spec, environment).stdout.read_text()
    binds = "<--bind></a b:/c:ro><--bind></d>"
    assert said == f"<{used}><exec>{binds}<my image.sif><python><a b><>"


def test_gpus_are_handed_in_when_they_are_asked_for(
    tools: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    install(tools, "apptainer")
    spec = JobSpec(("train",), context=container(), resources=Resources(gpus=2))
    flag = "--rocm" if Path("/dev/kfd").exists() else "--nv"
    run = prepared(tmp_path, spec, scheduler=Slurm())  # the embedded one has no GPUs
    with bash(run, environment) as process:
        process.wait()
    said = run.files().stdout.read_text()
    assert said == f"<apptainer><exec><{flag}><my image.sif><train>"


def test_a_line_of_bash_runs_in_the_container(
    tools: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    install(tools, "apptainer")
    spec = JobSpec((), shell_command="cd /x && exit 3", context=container())
    said = ran(tmp_path, spec, environment).stdout.read_text()
    assert said == "<apptainer><exec><my image.sif><bash><-c><cd /x && exit 3>"


@pytest.mark.parametrize("name", ["apptainer", "singularity"])
def test_variables_win_over_the_image_s_own(
    tools: Path, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    install(tools, name)
    spec = JobSpec(("x",), context=container(), variables=(("A", "1 2"), ("_b", "'")))
    said = ran(tmp_path, spec, environment).stdout.read_text()
    mark = f"{name.upper()}ENV_"
    assert said == f"<{name}><exec><my image.sif><x>{mark}A=1 2\n{mark}_b='\n"


def test_a_node_without_a_runtime_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    files = ran(tmp_path, JobSpec(("x",), context=container()), environment)
    ending = files.ending()
    assert ending is not None
    assert (ending.word, ending.detail) == ("setup", "finding apptainer or singularity")
    assert "Neither apptainer nor singularity is on PATH." in files.setup_words()
