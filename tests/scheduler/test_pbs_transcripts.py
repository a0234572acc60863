"""What we make of each answer of a real OpenPBS (tests/data/pbs/expectations.json)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from qxub.errors import SchedulerError
from qxub.job import OutcomeKind
from qxub.scheduler.pbs import PbsPro
from tests.scheduler.conversations import converse
from tests.scheduler.transcripts import DATA, answer, record, transcripts

if TYPE_CHECKING:
    from qxub.scheduler.base import JobReport

EXPECTED: dict[str, Any] = json.loads((DATA / "expectations.json").read_text(encoding="utf-8"))


NOT_OURS = (" -B ", " -Q ", " -I ", " --", "block=", "pbsnodes")
"""words of qstat for servers and queues, and of qsub for terminals, commands and waiting"""


def test_each_exchange_that_qxub_can_meet_has_an_expectation() -> None:
    commands = ("qsub", "qdel", "qhold", "qrls")
    met = [name for name, said in transcripts().items() if said["argv"][0] in commands]
    met += [name for name, said in transcripts().items() if {"-f", "json"} <= set(said["argv"])]
    for name in set(met) - set(EXPECTED):
        argv = " ".join(record(name)["argv"])
        assert any(words in argv for words in NOT_OURS), name
    assert len(EXPECTED) > 450


def of_command(*commands: str) -> list[str]:
    return [name for name in EXPECTED if record(name)["argv"][0] in commands]


@pytest.mark.parametrize("name", of_command("qsub"))
def test_qsub(name: str) -> None:
    assert what_qsub_said(name) == EXPECTED[name]


def what_qsub_said(name: str) -> str:
    pbs, said = PbsPro(), answer(name)
    if said.status is None:  # qxub.execution.commands gives up, and asks for the run ID
        return "hangs"
    if said.status == 0:
        job_id = pbs.job_id(said)
        return f"job {job_id}" if job_id else "no job ID"
    return "unavailable" if pbs.is_unavailable(said) else "refused"


@pytest.mark.parametrize("name", of_command("qdel", "qhold", "qrls"))
def test_changing_a_job(name: str) -> None:
    pbs, said = PbsPro(), answer(name)
    failed = "unavailable" if pbs.is_unavailable(said) else "failed"
    assert (failed if said.status else "done") == EXPECTED[name]


@pytest.mark.parametrize("name", of_command("qstat"))
def test_qstat(name: str) -> None:
    assert what_qstat_said(name) == EXPECTED[name]


def what_qstat_said(name: str) -> object:
    """Give the answer to a question for the jobs of its expectation, and read it back."""
    said, expected = answer(name), EXPECTED[name]
    if said.status is None:
        return "hangs"
    asked = list(expected) if isinstance(expected, dict) else ["1.pbshost"]
    answers = [said] * (2 if "not configured to maintain" in said.stderr else 1)
    try:
        reports, _ = converse(PbsPro().query(asked), *answers)
    except SchedulerError as error:
        return "unavailable" if "does not answer" in error.message else "not to be understood"
    return {job_id: in_words(report) for job_id, report in reports.items()}


def in_words(report: JobReport | None) -> str:
    if report is None:
        return "unknown"
    if report.outcome is None:
        return report.state.value
    kind = report.outcome.kind
    number = {
        OutcomeKind.COMPLETED: report.outcome.status,
        OutcomeKind.SIGNALLED: report.outcome.signal,
    }
    told = f" {number[kind]}" if kind in number else ""
    return f"{report.state.value}: {kind.label}{told}"
