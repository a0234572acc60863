"""Environment modules: Debian's Tcl ones and Lmod, both for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from qxub.job import ExecutionContext, JobSpec
from tests.execution.scripts import ran
from tests.posix import runs_jobs
from tests.real import lmod
from tests.real.requirements import require

pytestmark = runs_jobs
TCL = Path("/usr/share/modules/init/bash")


@pytest.fixture(params=["environment-modules", "lmod"])
def modules(request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Path) -> Path:
    """Have one of the two, and return the directory of the modulefiles."""
    if request.param == "lmod":
        home = lmod.home()
        if home is None:
            require("lmod", "python -m tests.real.lmod unpacks Debian's package")
        environment["MODULESHOME"] = str(home)
    elif not TCL.exists():
        require("environment-modules", f"no {TCL}")
    files = tmp_path / "modulefiles"
    files.mkdir()
    environment["MODULEPATH"] = str(files)
    return files


def write(modules: Path, name: str, *lines: str) -> None:
    file = modules / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(["#%Module1.0", *lines, ""]))


def test_modules_are_loaded_in_order_where_the_shell_knows_none(
    modules: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    write(modules, "first/1.0", "setenv SEEN first", "prepend-path PATH /first")
    write(modules, "second/2.0", "prepend-path PATH /second-after-$env(SEEN)")
    context = ExecutionContext(modules=("first/1.0", "second"))
    spec = JobSpec(("sh", "-c", 'echo "$LOADEDMODULES ${PATH%%/usr*}"'), context=context)
    files = ran(tmp_path, spec, environment)
    assert files.stdout.read_text() == "first/1.0:second/2.0 /second-after-first:/first:\n"
    assert files.stderr.read_bytes() == b""


def test_the_module_that_fails_is_named_with_its_own_words(
    modules: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    write(modules, "good/1.0", "setenv GOOD yes")
    context = ExecutionContext(modules=("good", "no-such/3.1"))
    files = ran(tmp_path, JobSpec(("touch", "ran"), context=context), environment)
    ending = files.ending()
    assert ending is not None
    assert (ending.word, ending.detail) == ("setup", "loading the module no-such/3.1")
    assert "no-such/3.1" in files.setup_words()
    assert files.stdout.read_bytes() + files.stderr.read_bytes() == b""
    assert not (tmp_path / "ran").exists()


def test_what_a_module_says_is_not_the_job_s_output(
    modules: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    write(modules, "loud/1.0", 'puts stderr "this module is old"', "setenv LOUD yes")
    spec = JobSpec(("sh", "-c", "echo $LOUD"), context=ExecutionContext(modules=("loud",)))
    files = ran(tmp_path, spec, environment)
    assert (files.stdout.read_text(), files.stderr.read_text()) == ("yes\n", "")
    assert "this module is old" in files.setup_words()


def test_the_user_s_variables_hold_before_and_after_the_modules(
    modules: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    write(modules, "threads/1.0", "setenv OMP_NUM_THREADS 1")
    environment["MODULEPATH"] = "/nowhere"
    spec = JobSpec(
        ("sh", "-c", "echo $OMP_NUM_THREADS"),
        context=ExecutionContext(modules=("threads",)),
        variables=(("MODULEPATH", str(modules)), ("OMP_NUM_THREADS", "4")),
    )
    files = ran(tmp_path, spec, environment)
    assert files.stdout.read_text() == "4\n", files.setup_words()


def test_a_conda_that_a_module_brings(
    modules: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    tools = tmp_path / "conda of a module"
    tools.mkdir()
    (tools / "conda").write_text(
        '#!/bin/sh\n[ "$*" = "shell.bash hook" ] &&\n'
        "  echo 'conda() { export SEEN=\"$LOADEDMODULES: $*\"; }'\n"
    )
    (tools / "conda").chmod(0o755)
    write(modules, "conda/24.1", f"prepend-path PATH {{{tools}}}")
    context = ExecutionContext(modules=("conda",), environment="my env")
    files = ran(tmp_path, JobSpec(("sh", "-c", "echo $SEEN"), context=context), environment)
    assert files.stdout.read_text() == "conda/24.1: activate my env\n", files.setup_words()
