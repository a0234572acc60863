"""PBS Pro: what is asked, and the answers of which there is no transcript."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from qxub.errors import SchedulerError
from qxub.execution.commands import run_command
from qxub.job import JobState, Outcome, OutcomeKind
from qxub.scheduler.base import Answer, JobReport
from qxub.scheduler.pbs import PbsPro
from tests.scheduler.conversations import converse
from tests.scheduler.transcripts import answer, jobs, record

if TYPE_CHECKING:
    from pathlib import Path

QSTAT = "qstat -x -t -f -F json"


def report(job_id: str, said: Answer) -> JobReport:
    found, _ = converse(PbsPro().query([job_id]), said)
    told = found[job_id]
    assert told is not None
    return told


def of_job(**changes: Any) -> Answer:
    job = {**jobs("21-run-exit0")["103.pbshost"], **changes}
    kept = {name: value for name, value in job.items() if value is not None}
    return Answer(json.dumps({"Jobs": {"103.pbshost": kept}}), "", 0)


def test_several_jobs_are_one_question_and_a_bad_one_does_not_spoil_it() -> None:
    asked = ["163.pbshost", "999999.pbshost"]
    found, commands = converse(PbsPro().query(asked), answer("22-qstat-several-mixed-json"))
    assert commands == [f"{QSTAT} 163.pbshost 999999.pbshost"]
    assert found["999999.pbshost"] is None
    told = found["163.pbshost"]
    assert told is not None
    assert told.outcome is not None
    assert told.outcome.status == 0


def test_a_job_that_the_answer_does_not_name_is_left_out() -> None:
    asked = ["163.pbshost", "5.pbshost"]
    found, _ = converse(PbsPro().query(asked), answer("22-qstat-several-mixed-json"))
    assert list(found) == ["163.pbshost"]


def test_no_environment_of_a_job_spoils_the_answer(tmp_path: Path) -> None:
    """Sixteen jobs with a byte that is not UTF-8, quotes, escapes, and numbers that are none."""
    recorded = record("20-qstat-x-f-json-all")["stdout"].encode()
    assert recorded.count(rb"\xe9") == 2
    (tmp_path / "answer").write_bytes(recorded.replace(rb"\xe9", b"\xe9"))
    code = "import pathlib, sys; sys.stdout.buffer.write(pathlib.Path(sys.argv[1]).read_bytes())"
    said = run_command([sys.executable, "-c", code, str(tmp_path / "answer")])
    asked = re.findall(r'^\t\t"(\d+\.pbshost)"', said.stdout, re.MULTILINE)
    found, _ = converse(PbsPro().query(asked), said)
    assert len(found) == 16
    for told in found.values():
        assert told is not None
        assert told.outcome is not None
        assert told.outcome.exit_status == 0


def test_a_raw_control_character_does_not_spoil_the_answer() -> None:
    said = answer("21-run-exit0")
    raw = dataclasses.replace(said, stdout=said.stdout.replace("/bin/bash", "/bin/\x01\x1bbash"))
    assert report("103.pbshost", raw).state is JobState.ENDED


@pytest.mark.parametrize("cut", [0, 1, 100, -2])
def test_a_torn_answer_is_no_answer(cut: int) -> None:
    said = answer("21-run-exit0")
    torn = dataclasses.replace(said, stdout=said.stdout[:cut])
    with pytest.raises(SchedulerError, match="cannot be read"):
        report("103.pbshost", torn)


def test_without_a_job_history_it_asks_again_without() -> None:
    pbs = PbsPro()
    gone = answer("22-qstat-unknown-json")
    found, commands = converse(pbs.query(["999999"]), answer("26-nohistory-qstat-x"), gone)
    assert found == {"999999": None}
    assert commands == [f"{QSTAT} 999999", "qstat -t -f -F json 999999"]
    _, commands = converse(pbs.query(["999999"]), gone)
    assert commands == ["qstat -t -f -F json 999999"]


def test_a_history_that_is_switched_on_again_is_used() -> None:
    pbs = PbsPro()
    converse(
        pbs.query(["9"]), answer("26-nohistory-qstat-x"), Answer("{}", "Unknown Job Id 9", 153)
    )
    finished, told = answer("22-qstat-finished-no-x-json"), answer("22-qstat-finished-x-json")
    found, commands = converse(pbs.query(["163.pbshost"]), finished, told)
    assert found["163.pbshost"] is not None
    assert commands[1] == f"{QSTAT} 163.pbshost"


def test_an_answer_about_another_job_is_no_answer() -> None:
    with pytest.raises(SchedulerError, match=r"said nothing of 9\.pbshost"):
        report("9.pbshost", answer("21-run-exit0"))
    with pytest.raises(SchedulerError, match="said nothing of 10"):  # 103 is not job 10
        report("10", answer("21-run-exit0"))


def test_a_server_that_is_down_is_named() -> None:
    with pytest.raises(SchedulerError, match="pbs_pro does not answer: Connection refused"):
        report("236.pbshost", answer("50-down-qstat-json"))


def test_a_job_is_known_by_its_number_and_by_a_shorter_server_name() -> None:
    assert report("167", answer("20-qstat-json-bare-number")).state is JobState.RUNNING
    said = answer("21-run-exit0")
    long = dataclasses.replace(said, stdout=said.stdout.replace("103.pbshost", "103.pbshost.org"))
    assert report("103.pbshost", long).state is JobState.ENDED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"Exit_status": -3}, OutcomeKind.LOST),
        ({"Exit_status": 256}, OutcomeKind.LOST),
        ({"Exit_status": None}, OutcomeKind.LOST),
        ({"Exit_status": 143, "substate": 91}, OutcomeKind.CANCELLED),
        (
            {"Exit_status": 0, "comment": "Job run at X and terminated by a@b"},
            OutcomeKind.CANCELLED,
        ),
        (
            {"Exit_status": 271, "comment": "X and exceeded resource mem"},
            OutcomeKind.OUT_OF_MEMORY,
        ),
        (
            {"Exit_status": 271, "comment": "Job run and exceeded resource walltime"},
            OutcomeKind.WALLTIME_EXCEEDED,
        ),
        ({"Exit_status": -26}, OutcomeKind.OUT_OF_MEMORY),
    ],
)
def test_endings_beyond_the_transcripts(changes: dict[str, Any], kind: OutcomeKind) -> None:
    told = report("103.pbshost", of_job(**changes)).outcome
    assert told is not None
    assert told.kind is kind


def test_a_state_that_pbs_does_not_have_is_not_guessed() -> None:
    with pytest.raises(SchedulerError, match=r"said nothing of 103\.pbshost"):
        report("103.pbshost", of_job(job_state="Z"))


def test_a_report_has_all_that_pbs_tells() -> None:
    told = report("123.pbshost", answer("21-run-mem"))
    assert told.outcome is not None
    assert told.outcome.detail.endswith("and exceeded resource mem")
    assert (told.queue, told.nodes) == ("normal", "vm")
    begin = time.mktime((2026, 11, 23, 15, 36, 16, 0, 0, -1))
    assert (told.submitted_at, told.started_at, told.ended_at) == (begin, begin, begin + 23)
    assert told.used["mem"] == "218856kb"
    assert told.used["walltime"] == "00:00:21"


def test_why_a_job_does_not_run_is_in_the_words_of_pbs() -> None:
    never = report("131.pbshost", answer("21-run-never"))
    assert never.reason.startswith("Can Never Run: Insufficient amount of resource: mem")
    child = report("149.pbshost", answer("09-depend-afterok-held"))
    assert (child.state, child.reason) == (
        JobState.WAITING,
        "waits for afterok:148.pbshost@pbshost",
    )
    later = report("164.pbshost", answer("20-qstat-json-waiting"))
    assert later.starts_at == time.mktime((2026, 11, 23, 20, 39, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("name", "job_id", "detail"),
    [
        ("09-depend-unknown-result", "156.pbshost", "(afterok:999999.pbshost)"),
        ("09-depend-afterok-failing-result", "151.pbshost", "(afterok:150.pbshost)"),
        (
            "09-depend-afterok-parent-qdel-child",
            "161.pbshost",
            "(afterok:160.pbshost:160.pbshost)",
        ),
    ],
)
def test_a_dependency_that_cannot_be_met_any_more_is_told(
    name: str, job_id: str, detail: str
) -> None:
    outcome = report(job_id, answer(name)).outcome
    words = f"its dependency cannot be met any more {detail}, so PBS deleted it"
    assert outcome == Outcome(OutcomeKind.CANCELLED, job_id=job_id, detail=words)


def test_an_array_has_its_members() -> None:
    told = report("217[].pbshost", answer("11-array-done-t-json"))
    assert (told.state, told.outcome) == (JobState.ENDED, None)
    endings = [member.outcome for _, member in sorted(told.members.items())]
    assert [ending and (ending.kind, ending.status) for ending in endings] == [
        (OutcomeKind.COMPLETED, 1),
        (OutcomeKind.CANCELLED, None),
        (OutcomeKind.COMPLETED, 3),
        (OutcomeKind.COMPLETED, 4),
        (OutcomeKind.CANCELLED, None),
    ]
    begun = report("217[].pbshost", answer("11-array-qstat-t-json"))
    assert [member.state.value for member in begun.members.values()] == [
        "running",
        "running",
        "queued",
        "queued",
        "queued",
    ]


def test_without_history_a_member_without_record_may_have_run() -> None:
    pbs = PbsPro()
    array = answer("11-array-qstat-subjob-expired")
    found, _ = converse(pbs.query(["217[5].pbshost"]), answer("26-nohistory-qstat-x"), array)
    told = found["217[5].pbshost"]
    assert told is not None
    assert (told.state, told.outcome) == (JobState.ENDED, None)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("=>> PBS: job killed: walltime 10 exceeded limit 5\n", OutcomeKind.WALLTIME_EXCEEDED),
        (
            "hello\n=>> PBS: job killed: mem 218856kb exceeded limit 51200kb\n",
            OutcomeKind.OUT_OF_MEMORY,
        ),
        ("Terminated\n", None),
        ("echo =>> PBS: job killed: walltime 10 exceeded limit 5\n", None),
        ("=>> PBS: job killed: cput 10 exceeded limit 5\n", None),
    ],
)
def test_a_limit_s_ending_is_in_the_log(said: str, kind: OutcomeKind | None) -> None:
    """The lines are those of 21-run-walltime and 21-run-mem."""
    told = PbsPro().ending_in_log(said, "1.pbshost")
    assert (told and told.kind) == kind


def test_a_job_that_is_being_deleted_is_told_so_while_it_runs() -> None:
    told = report("130.pbshost", answer("21-run-qdel-x"))
    assert told.state is JobState.RUNNING
    assert told.outcome is not None
    assert told.outcome.kind is OutcomeKind.CANCELLED


def test_a_run_is_looked_up_among_the_user_s_jobs() -> None:
    wanted = "20261123T000000-0123456789ab"
    two = {
        "131.pbshost": {"Variable_List": {"QXUB_RUN_ID": "another", "A": 7}},
        "171[].pbshost": {"Variable_List": {"QXUB_RUN_ID": wanted}},
        "171[1].pbshost": {"Variable_List": {"QXUB_RUN_ID": wanted}},
        "9.pbshost": {},
    }
    found, commands = converse(
        PbsPro().look_up(wanted, "alice"),
        answer("22-qselect"),
        Answer(json.dumps({"Jobs": two}), "", 0),
    )
    assert found == ["171[].pbshost"]
    assert commands == [
        "qselect -x -u alice",
        f"{QSTAT} 131.pbshost 132.pbshost 171.pbshost",
    ]


def test_who_has_no_jobs_has_none_of_the_run() -> None:
    assert converse(PbsPro().look_up("r", "bob"), answer("22-qselect-none"))[0] == []


def test_jobs_that_qstat_does_not_tell_of_may_be_of_the_run() -> None:
    with pytest.raises(SchedulerError, match="qstat said nothing of 3 jobs"):
        converse(PbsPro().look_up("r", "alice"), answer("22-qselect"), answer("20-qstat-none-json"))


def test_a_server_that_is_down_says_nothing_of_a_run() -> None:
    with pytest.raises(SchedulerError, match="does not answer"):
        converse(PbsPro().look_up("r", "alice"), answer("50-down-qselect"))
