"""The gate holds that shows that nothing is shelled out; `pytest -k blocked` runs all in it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.blocked import BLOCK, MODULES
from tests.posix import runs_jobs

pytestmark = runs_jobs


def stderr_of(code: str) -> str:
    argv = [sys.executable, "-c", BLOCK + code]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(['/bin/true'])",
        "os.system('true')",
        "os.popen('true')",
        "os.fork()",
        "os.forkpty()",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
        "import multiprocessing.util as u; u.spawnv_passfds(b'/bin/true', [b'true'], [])",
    ],
)
def test_no_process_can_be_started(code: str) -> None:
    assert "a process was started" in stderr_of(code)


@pytest.mark.parametrize("name", MODULES)
def test_no_posix_module_can_be_imported(name: str) -> None:
    assert "ModuleNotFoundError" in stderr_of(f"import {name}")


def test_there_is_no_poll() -> None:
    assert "AttributeError" in stderr_of("select.poll()")
