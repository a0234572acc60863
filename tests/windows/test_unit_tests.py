"""The project's own tests, run by the Windows Python against the wheel that is installed there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.windows.wine import CHECKOUT

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

SECONDS = 900
NOT_THERE = ("__pycache__", "benchmarks", "test_docs.py", "test_real_parts.py", "windows")


CLI_OF_SSH = "tests/cli/ssh tests/cli/test_ssh_trust.py"
SSH_CONFIG = "tests/transport/ssh_config"
CONTRACT = "tests/transport/contract"
"""has a test of its own here: test_contract.py"""

# What each Python runs, in parts that go side by side. Those of the command line start it each
# time, and those of ssh_config are many, so that one Python runs them. The corpus's cases for
# Windows are run by test_ssh_config.py; the others are the same look-ups on every machine.
PARTS = [
    ("oldest", f"tests/transport --ignore={SSH_CONFIG} --ignore={CONTRACT}"),
    ("oldest", "--ignore=tests/cli --ignore=tests/transport"),
    ("newest", "tests/cli --ignore=tests/cli/ssh --ignore=tests/cli/test_ssh_trust.py"),
    (
        "newest",
        f"tests/system {CLI_OF_SSH} {SSH_CONFIG}"  # noqa: ISC004 - one line, in three pieces
        f" --ignore={SSH_CONFIG}/test_corpus.py --ignore={SSH_CONFIG}/test_judge.py",
    ),
]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize(("each_python", "part"), PARTS, indirect=["each_python"])
@pytest.mark.usefixtures("each_python")
def test_unit_tests(prompt: Prompt, part: str) -> None:
    """Without the checkout's qxub beside them, so that the wheel's is tested."""
    copy = prompt.profile / "checkout"
    shutil.copytree(CHECKOUT / "tests", copy / "tests", ignore=shutil.ignore_patterns(*NOT_THERE))
    shutil.copy(CHECKOUT / "pyproject.toml", copy)
    line = f"cd checkout & set QXUB_SSH_FUZZ=500& python -m pytest -q -p no:cacheprovider {part}"
    ended = prompt.type(line, seconds=SECONDS)
    assert ended.returncode == 0, ended.stdout.decode(errors="replace")
    assert b" passed" in ended.stdout
