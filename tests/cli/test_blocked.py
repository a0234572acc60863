"""The gate that shows that nothing is shelled out holds; test_exec_remote runs the client in it."""

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


@pytest.mark.parametrize("code", ["subprocess.run(['/bin/true'])", "os.system('true')"])
def test_no_process_can_be_started(code: str) -> None:
    assert "a process was started" in stderr_of(code)


@pytest.mark.parametrize("name", MODULES)
def test_no_posix_module_can_be_imported(name: str) -> None:
    assert "ModuleNotFoundError" in stderr_of(f"import {name}")
    assert "poll" in stderr_of("select.poll()")
