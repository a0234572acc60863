"""A further context is one file in qxub/contexts, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import qxub
from tests.posix import runs_jobs

pytestmark = runs_jobs
PIXI = '''"""A pixi environment."""

import shlex

from qxub.contexts.context import Context, Step
from qxub.option import TEXT, Option, Part


class Pixi(Context):
    options = (
        Option(("--pixi",), TEXT, "Run in this pixi environment.", "pixi", Part.ADDED_CONTEXT),
    )
    rank = 30

    def __init__(self, environment):
        self._environment = environment

    @classmethod
    def of(cls, spec):
        environment = dict(spec.context.added).get("pixi")
        return None if environment is None else cls(environment)

    def steps(self):
        return [Step("finding pixi", ["type -P pixi"])]

    def prefix(self):
        return ["pixi", "run", "--environment", shlex.quote(self._environment)]
'''
PARSE_WHAT_WAS_BUILT = """
import sys
from qxub.options import arguments
from tests.test_options import parse

spec = parse(sys.argv[1:])
assert parse(arguments(spec)) == spec
print(spec.context.added, arguments(spec))
"""


@pytest.fixture
def with_pixi(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a Python whose qxub has one file more, with a pixi on PATH."""
    package = tmp_path / "site" / "qxub"
    shutil.copytree(Path(qxub.__file__).parent, package)
    (package / "contexts" / "pixi.py").write_text(PIXI)
    program = tmp_path / "bin" / "pixi"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    program.chmod(0o755)
    root = Path(qxub.__file__).parents[1]
    config = tmp_path / "config" / "qxub" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("scheduler: local\n")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("QXUB_")},
        "PYTHONPATH": f"{package.parent}{os.pathsep}{root}",
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


def python(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *words]
    return subprocess.run(
        argv, env=environment, cwd="/", capture_output=True, text=True, check=False
    )


def test_it_runs_a_job(with_pixi: dict[str, str]) -> None:
    done = python(with_pixi, "-m", "qxub", "exec", "--pixi", "my env", "--", "python", "a b")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "<run><--environment><my env><python><a b>"


def test_its_option_is_in_the_help_and_travels(with_pixi: dict[str, str]) -> None:
    assert "Run in this pixi environment." in python(with_pixi, "-m", "qxub", "exec", "-h").stdout
    done = python(with_pixi, "-c", PARSE_WHAT_WAS_BUILT, "--pixi", "e", "--", "x")
    assert done.stdout == "(('pixi', 'e'),) ['--pixi', 'e', '--', 'x']\n", done.stderr
