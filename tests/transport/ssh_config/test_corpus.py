"""Every look-up of the corpus, and of the one that QXUB_SSH_CORPUS names, as OpenSSH answers it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.real.requirements import require

from .conftest import corpora
from .corpus import CORPUS, questions
from .judge import judged

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from .corpus import Question

# Name of a case → why OpenSSH's answer cannot or should not be met. At most three.
EXPECTED_FAILURES: dict[str, str] = {}


ALL = [
    pytest.param(folder, question, id=f"{question.case.name}-{number}")
    for folder in corpora()
    for number, question in enumerate(questions(folder))
]


@pytest.mark.parametrize(("folder", "question"), ALL)
def test_look_up(folder: Path, question: Question, agreeing: Counter[tuple[str, bool]]) -> None:
    if "posix-shell" in question.case.requires and shutil.which("sh") is None:
        require("sh", "Match exec and proxies run POSIX commands")
    found = judged(question)
    agreeing[str(folder), not found] += 1
    report = "\n".join(f"{question} {disagreement}" for disagreement in found)
    if found and question.case.name in EXPECTED_FAILURES:
        pytest.xfail(EXPECTED_FAILURES[question.case.name])
    assert not found, report


def test_expected_failures_are_few_and_fail() -> None:
    assert len(EXPECTED_FAILURES) <= 3
    failing = {
        question.case.name
        for question in questions(CORPUS)
        if question.case.name in EXPECTED_FAILURES and judged(question)
    }
    assert failing == set(EXPECTED_FAILURES)


def test_corpus_is_whole() -> None:
    asked = list(questions(CORPUS))
    assert (len({question.case.name for question in asked}), len(asked)) == (322, 515)
