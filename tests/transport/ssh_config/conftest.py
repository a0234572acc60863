"""The corpora that are run, and the summary of the run, which pytest captures not."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from .corpus import CORPUS

AGREEING = pytest.StashKey["Counter[tuple[str, bool]]"]()


def corpora() -> list[Path]:
    """Give the project's corpus, and the one that QXUB_SSH_CORPUS names."""
    other = os.environ.get("QXUB_SSH_CORPUS")
    if other and not any(Path(other).glob("*/case.json")):
        raise pytest.UsageError(f"QXUB_SSH_CORPUS names no corpus: {other}")
    return [CORPUS, Path(other)] if other else [CORPUS]


@pytest.fixture
def agreeing(pytestconfig: pytest.Config) -> Counter[tuple[str, bool]]:
    """Count look-ups by whose answers judge them, and by whether they agree, for the summary."""
    return pytestconfig.stash.setdefault(AGREEING, Counter())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    counts = config.stash.get(AGREEING, None)
    if counts is None:
        return
    terminalreporter.section("ssh_config, judged by OpenSSH")
    for judge in dict.fromkeys(judge for judge, _ in counts):
        right, total = counts[judge, True], counts[judge, True] + counts[judge, False]
        terminalreporter.line(f"{judge}: {right} of {total} look-ups agree")
