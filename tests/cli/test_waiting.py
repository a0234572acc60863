"""What is said of a job that waits, and when."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.cli import progress
from qxub.cli.console import Console
from qxub.cli.progress import LINE, Waiting
from qxub.execution.result import RunResult
from qxub.job import Outcome, OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({}, "job 7 is queued"),
        ({"queue": "normal"}, "job 7 is queued in normal"),
        ({"reason": "Priority"}, "job 7 is queued (Priority)"),
        ({"reason": "a\x1b[2Jb\r"}, "job 7 is queued (a?[2Jb?)"),
        (
            {"reason": "Resources", "starts_at": "1000000000"},
            "job 7 is queued (Resources), to start about Sun 09 Sep 01:46",
        ),
    ],
)
def test_the_words(details: dict[str, str], words: str) -> None:
    waiting = Waiting()
    assert waiting.begin("queued", {"job_id": "7", **details})
    assert str(waiting) == words


def test_a_reason_that_changes_all_the_time_is_news_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = Waiting()
    details = [{"job_id": "7", "reason": reason} for reason in ("Priority", "Resources") * 2]
    assert [waiting.begin("queued", one) for one in details] == [True, False, False, False]
    assert waiting.begin("held", details[0])
    monkeypatch.setattr(progress, "SPARSE_INTERVAL", 0.0)
    assert waiting.begin("queued", details[0])
    assert waiting.begin("queued", details[1])
    assert not waiting.begin("queued", details[1])


@pytest.mark.skipif(os.name == "nt", reason="the console there is no pipe")
def test_the_line_is_gone_before_anything_else(capfd: pytest.CaptureFixture[str]) -> None:
    LINE.show("waiting")
    LINE.show("short")
    LINE.clear()
    LINE.clear()
    assert capfd.readouterr().err == "\rwaiting\rshort  \r       \r"


def test_the_table_of_an_array_has_a_line_for_each_ending(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console = Console(threading.Event(), RunResult("run"))
    well, badly = "completed with exit status 0", "ended by signal 9"
    for index in range(1, 11):
        outcome = badly if index in (4, 9) else well
        kind = "signalled" if outcome == badly else "completed"
        details = {"index": str(index), "outcome": outcome, "kind": kind, "exit_status": "0"}
        console.event("member", job_id="1[]", **details)
    console.end(Outcome(OutcomeKind.SIGNALLED, signal=9))
    assert capfd.readouterr().err.splitlines() == [
        "qxub: the members of the array:",
        "  completed with exit status 0  1-3, 5-8, 10",
        "  ended by signal 9             4, 9",
    ]
