"""Configurations made by hypothesis mean what the machine's own `ssh -G` says.

QXUB_SSH_SECONDS says for how long they are made, and QXUB_SSH_SEED where that begins. The summary
of the run and the report of a failure name the seed.
"""

# ruff: noqa: E402 - see the skip

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.real.requirements import require

if sys.platform == "win32":
    pytest.skip("ssh on Windows has rules of its own", allow_module_level=True)
assert sys.platform != "win32"  # for mypy

from .configurations import Configuration, configurations
from .differential_posix import Comparison
from .openssh_posix import OpenSSH, missing

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

SECONDS = float(os.environ.get("QXUB_SSH_SECONDS", "20"))
SEED = int(os.environ.get("QXUB_SSH_SEED", random.randrange(1_000_000)))  # noqa: S311
EXAMPLES = 100  # of one seed: few, so that one seed is soon run again


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    if missing():
        require("ssh", missing())
    tmp_path.chmod(0o700)
    return Comparison(OpenSSH(tmp_path))


# Time for hypothesis to find the smallest example, too.
@pytest.mark.timeout(SECONDS + 400)
def test_same_as_ssh(comparison: Comparison, agreeing: Counter[tuple[str, bool]]) -> None:
    end = time.monotonic() + SECONDS
    label = f"ssh -G of this machine, QXUB_SSH_SEED={SEED}"

    def compare(number: int, configuration: Configuration) -> None:
        found = comparison(configuration)
        agreeing[label, not found] += 1
        report = "\n".join(map(str, [f"QXUB_SSH_SEED={number}", configuration, *found]))
        assert not found, report

    for number in itertools.count(SEED):
        _compare_examples(number, compare)
        if time.monotonic() > end:
            break


def _compare_examples(number: int, compare: Callable[[int, Configuration], None]) -> None:
    @seed(number)
    @settings(
        max_examples=EXAMPLES,
        database=None,  # a seed makes the same examples everywhere
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(configuration=configurations())
    def run(configuration: Configuration) -> None:
        compare(number, configuration)

    run()


def test_enough_is_compared(comparison: Comparison) -> None:
    """All keywords of the corpus but those that are not set by default, and more."""
    assert len(comparison.keywords) > 40


def test_a_difference_is_found(comparison: Comparison) -> None:
    same = Configuration("Host h\n  IdentityAgent /run/%u\n", ("", ""), ("h",))
    assert not comparison(same)
    wrong = comparison.on_machine(user="somebody-else")
    assert [disagreement.key for disagreement in wrong(same)] == ["identityagent"]


def test_defaults(comparison: Comparison) -> None:
    """The release whose defaults are ours; another's are compared where a file changes them."""
    if "OpenSSH_9.2p1" in comparison.release:
        assert comparison.of_defaults() == []
