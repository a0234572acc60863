"""The project's own tests, run by the Windows Python against the wheel that is installed there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.windows.wine import CHECKOUT

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

SECONDS = 400
NOT_THERE = ("__pycache__", "benchmarks", "test_docs.py", "test_real_parts.py", "windows")


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
def test_unit_tests(prompt: Prompt, each_python: int) -> None:
    """Without the checkout's qxub beside them, so that the wheel's is tested.

    Those of the command line start it each time, which takes long. The newest Python runs them; the
    oldest one runs most of what is beside this file.
    """
    copy = prompt.profile / "checkout"
    shutil.copytree(CHECKOUT / "tests", copy / "tests", ignore=shutil.ignore_patterns(*NOT_THERE))
    shutil.copy(CHECKOUT / "pyproject.toml", copy)
    line = "cd checkout & python -m pytest -q -p no:cacheprovider"
    if each_python == 0:
        line += " --ignore=tests/cli"
    ended = prompt.type(line, seconds=SECONDS)
    assert ended.returncode == 0, ended.stdout.decode(errors="replace")
    assert b" passed" in ended.stdout
