"""The embedded scheduler's answers, as its commands give them (tests/execution has those)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from qxub.errors import RefusedError, SchedulerError
from qxub.job import JobSpec, JobState, OutcomeKind, Resources
from qxub.scheduler.base import Answer, JobReport
from qxub.scheduler.local import Local
from tests.scheduler.conversations import converse
from tests.scheduler.specs import EVERYTHING, submission

LOCAL = Local(["batch"])
QUEUED = {
    "state": "queued",
    "reason": "waits for 2 cores",
    "kind": None,
    "status": None,
    "signal": None,
    "detail": "",
    "started_at": None,
    "ended_at": None,
    "cpu_time": None,
    "memory_peak": None,
}
ENDED = {
    **QUEUED,
    "state": "ended",
    "reason": "",
    "kind": "completed",
    "status": 3,
    "started_at": 20.0,
    "ended_at": 30.5,
    "cpu_time": 1.5,
    "memory_peak": 64 << 20,
}
JOB = {"name": "train", "run_id": "r-1", "submitted_at": 10.0, "node": "vm"}


def told(facts: dict[str, Any] | None, job_id: str = "12.local") -> JobReport | None:
    answer = Answer(json.dumps({job_id: facts}) + "\n", "", 0)
    return converse(LOCAL.query([job_id]), answer)[0][job_id]


def report(facts: dict[str, Any]) -> JobReport:
    found = told(facts)
    assert found is not None
    return found


def test_all_that_the_queue_looks_at_goes_on_the_command_line() -> None:
    here = dataclasses.replace(EVERYTHING.resources, gpus=None, gpu_type=None)
    asked = submission(dataclasses.replace(EVERYTHING, resources=here, email=None))
    assert LOCAL.directives(asked) == []
    assert LOCAL.submit(asked) == [
        "batch",
        "submit",
        "--run-id=20261123T000000-0123456789ab",
        "--name=train",
        "--cpus=4",
        f"--memory={2**30 + 1}",
        "--walltime=5400",
        "--array=1-10:2%4",
        f"--log={Path('/r/log')}",
        "--dependency=afterok:12",
        "--dependency=afterany:13",
        "--hold",
        str(Path("/r/j")),
    ]


def test_a_job_that_asks_for_nothing_gets_one_core() -> None:
    words = LOCAL.submit(submission(JobSpec(("x",))))
    assert words[2:] == [
        "--run-id=20261123T000000-0123456789ab",
        "--name=train",
        "--cpus=1",
        f"--log={Path('/r/log')}",
        str(Path("/r/j")),
    ]


@pytest.mark.parametrize(
    ("spec", "option"),
    [
        (JobSpec(("x",), resources=Resources(gpus=1)), "--gpus"),
        (JobSpec(("x",), resources=Resources(volumes=("gdata/a56",))), "--volumes"),
        (JobSpec(("x",), email="a@example.org"), "--email"),
    ],
)
def test_what_a_job_would_miss_is_refused(spec: JobSpec, option: str) -> None:
    with pytest.raises(RefusedError, match=f"has nothing for {option}"):
        LOCAL.directives(submission(spec))


def test_the_job_id_is_what_submit_prints() -> None:
    assert LOCAL.job_id(Answer("12.local\n", "", 0)) == "12.local"
    assert LOCAL.job_id(Answer("\n", "", 0)) is None


def test_many_jobs_are_asked_for_by_one_command() -> None:
    facts = {"1.local": {**JOB, **QUEUED}, "2.local": None}
    found, commands = converse(
        LOCAL.query(["1.local", "2.local"]), Answer(json.dumps(facts), "", 0)
    )
    assert commands == ["batch query 1.local 2.local"]
    assert found["1.local"] is not None
    assert found["2.local"] is None


def test_a_job_that_waits_says_why() -> None:
    found = report({**JOB, **QUEUED})
    assert (found.state, found.outcome) == (JobState.QUEUED, None)
    assert found.reason == "waits for 2 cores"
    assert (found.submitted_at, found.started_at, found.used) == (10.0, None, {})


def test_a_job_that_has_ended_says_what_it_used() -> None:
    found = report({**JOB, **ENDED})
    assert found.outcome is not None
    assert (found.outcome.kind, found.outcome.status) == (OutcomeKind.COMPLETED, 3)
    assert found.outcome.job_id == "12.local"
    assert (found.started_at, found.ended_at, found.nodes) == (20.0, 30.5, "vm")
    assert found.used == {"cpu_time": "1.50s", "memory": "64MB"}


@pytest.mark.parametrize(
    ("facts", "exit_status"),
    [
        ({"kind": "signalled", "status": None, "signal": 9}, 137),
        ({"kind": "walltime exceeded", "status": None}, 124),
        ({"kind": "out of memory", "status": None}, 137),
        ({"kind": "cancelled", "status": None, "detail": "afterok:1.local can never be met"}, 130),
        ({"kind": "lost", "status": None}, 75),
        ({"kind": "remote setup failed", "status": None}, 71),
    ],
)
def test_endings(facts: dict[str, Any], exit_status: int) -> None:
    found = report({**JOB, **ENDED, **facts}).outcome
    assert found is not None
    assert found.exit_status == exit_status
    assert found.kind.label == facts["kind"]
    assert found.detail == facts.get("detail", "")


def test_an_array_stands_where_one_of_its_members_does() -> None:
    found = report({**JOB, "members": {"3": ENDED, "1": QUEUED}})
    assert (found.state, found.outcome, found.reason) == (
        JobState.QUEUED,
        None,
        "waits for 2 cores",
    )
    ended = found.members[3].outcome
    assert ended is not None
    assert (ended.status, ended.job_id) == (3, "12[3].local")
    assert report({**JOB, "members": {"1": ENDED}}).state is JobState.ENDED


@pytest.mark.parametrize("text", ["", "{}", "[]", "no JSON", '{"12.local": {"state": "asleep"}}'])
def test_an_answer_that_cannot_be_read_says_nothing_of_the_job(text: str) -> None:
    with pytest.raises(SchedulerError, match="cannot be read"):
        converse(LOCAL.query(["12.local"]), Answer(text, "", 0))


def test_a_queue_that_cannot_be_read_says_nothing_of_the_job() -> None:
    failed = Answer("", "the queue of this machine cannot be used: disk I/O error.\n", 69)
    for question in (LOCAL.query(["12.local"]), LOCAL.look_up("r-1", "me")):
        with pytest.raises(SchedulerError, match="disk I/O error"):
            converse(question, failed)


def test_a_run_is_looked_up_by_its_id() -> None:
    found, commands = converse(LOCAL.look_up("r-1", "me"), Answer("12.local\n", "", 0))
    assert (found, commands) == (["12.local"], ["batch find r-1"])
    assert converse(LOCAL.look_up("r-1", "me"), Answer("", "", 0))[0] == []


def test_changes_are_one_command_each() -> None:
    assert LOCAL.hold("12.local") == ["batch", "hold", "12.local"]
    assert LOCAL.release("12.local") == ["batch", "release", "12.local"]
    assert LOCAL.cancel("12.local") == ["batch", "cancel", "12.local"]


@pytest.mark.parametrize(
    ("status", "unavailable", "may_have"),
    [(65, False, None), (2, False, None), (69, True, False), (-9, True, True), (1, True, True)],
)
def test_only_a_clear_no_is_a_refusal(
    status: int, *, unavailable: bool, may_have: bool | None
) -> None:
    answer = Answer("", "words", status)
    assert LOCAL.is_unavailable(answer) is unavailable
    if may_have is not None:
        assert LOCAL.may_have_submitted(answer) is may_have
