"""PBS Pro's answers, as a real OpenPBS 23.06 gave them (tests/data/pbs)."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import Any, Union

import pytest

from qxub.execution.commands import run_command
from qxub.job import JobSpec, JobState, Outcome, OutcomeKind, Resources
from qxub.scheduler.base import Answer, JobReport, Submission
from qxub.scheduler.pbs import PbsPro

DATA = Path(__file__).parents[1] / "data" / "pbs"
Reading = Union[JobReport, str, None]

REFUSED, UNAVAILABLE, UNCLEAR = "refused", "unavailable", "not to be understood"
DONE = "done"
"""what qdel was asked for"""


def ended(kind: OutcomeKind, status: int | None = None, signal: int | None = None) -> JobReport:
    return JobReport(JobState.ENDED, Outcome(kind, status, signal))


QUEUED, HELD = JobReport(JobState.QUEUED), JobReport(JobState.HELD)
RUNNING = JobReport(JobState.RUNNING)
COMPLETED_0 = ended(OutcomeKind.COMPLETED, status=0)
CANCELLED = ended(OutcomeKind.CANCELLED)

# For each file: of qsub the job ID, of qstat the report; None where there is no ID, or no such job.
EXPECTED: dict[str, Reading] = {
    "00-version-qsub": None,
    "01-qsub-script-ok": "1.pbshost",
    "02-qsub-crlf": REFUSED,
    "02-qsub-directive-bad-walltime": REFUSED,
    "02-qsub-directive-extra-word": REFUSED,
    "03-qsub-name-at": REFUSED,
    "03-qsub-name-len-230": "11.pbshost",
    "03-qsub-name-len-231": REFUSED,
    "04-qsub-l-ncpus-over-queue": REFUSED,
    "04-qsub-l-unknown-resource": REFUSED,
    "04-qsub-queue-unknown": REFUSED,
    "05-qsub-as-root": REFUSED,
    "05-qsub-missing-script": REFUSED,
    "05-qsub-z-quiet": None,
    "08-qsub-block-signal-result": RUNNING,  # exiting, though with an Exit_status already
    "09-depend-afterok-held": HELD,
    "09-depend-unknown-result": CANCELLED,  # substate 92, but it never ran
    "20-qstat-json-exiting": RUNNING,
    "20-qstat-json-held": HELD,
    "20-qstat-json-queued": QUEUED,
    "20-qstat-json-running": RUNNING,
    "20-qstat-json-suspended": RUNNING,
    "20-qstat-json-waiting": QUEUED,
    "20-qstat-x-f-json-all": UNCLEAR,  # its bytes are not UTF-8; see the test below
    "21-run-exit0": COMPLETED_0,
    "21-run-exit3": ended(OutcomeKind.COMPLETED, status=3),
    "21-run-kill9self": ended(OutcomeKind.COMPLETED, status=137),  # the login shell's words
    "21-run-mem": ended(OutcomeKind.OUT_OF_MEMORY),
    "21-run-qdel-force": CANCELLED,
    "21-run-qdel-queued": CANCELLED,
    "21-run-qdel-running": CANCELLED,
    "21-run-qdel-x": RUNNING,  # on its way out: the comment alone has changed
    "21-run-walltime-trap": ended(OutcomeKind.WALLTIME_EXCEEDED),
    "22-qstat-F-without-f": UNCLEAR,
    "22-qstat-finished-no-x-json": None,
    "22-qstat-malformed-json": UNCLEAR,
    "22-qstat-unknown-json-x": None,
    "25-qstat-PBS_SERVER-blackhole": UNAVAILABLE,
    "25-qsub-PBS_SERVER-unknown": UNAVAILABLE,
    "25-qsub-no-conf": UNAVAILABLE,
    "26-nohistory-qdel": REFUSED,
    "26-nohistory-qstat-x": UNCLEAR,  # it refuses running jobs alike: OpenPBS, req_stat_job()
    "31-qsig-exec-result": CANCELLED,  # Exit_status 7: it trapped the TERM of qdel
    "31-qsig-usr1-script-result": ended(OutcomeKind.SIGNALLED, signal=10),
    "32-qdel-exiting": REFUSED,
    "32-qdel-finished": REFUSED,
    "32-qdel-malformed": REFUSED,
    "32-qdel-other-user": REFUSED,
    "32-qdel-queued": DONE,
    "32-qdel-several-result": CANCELLED,
    "32-qdel-unknown-full": REFUSED,
    "50-down-qdel": UNAVAILABLE,
    "50-down-qstat-json": UNAVAILABLE,
    "50-down-qsub": UNAVAILABLE,
    "53-mom-down-qdel": REFUSED,
    "53-mom-down-qstat-after-force": CANCELLED,
}


def record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return found


def reading(name: str) -> Reading:
    """Return what our side makes of the exchange, as qxub.execution asks it."""
    said = record(name)
    pbs, answer = PbsPro(), Answer(said["stdout"], said["stderr"], said["rc"])
    asks = said["argv"][0] == "qstat"
    if answer.status != 0 and pbs.is_unavailable(answer):
        return UNAVAILABLE
    if asks:
        return without_detail(pbs, said["argv"][-1], answer)
    if answer.status != 0:
        return REFUSED
    return pbs.job_id(answer) if said["argv"][0] == "qsub" else DONE


def without_detail(pbs: PbsPro, job_id: str, answer: Answer) -> Reading:
    try:
        report = pbs.report(job_id, answer)
    except ValueError:
        return UNCLEAR
    if report is None or report.outcome is None:
        return report
    assert report.outcome.job_id == job_id
    return JobReport(report.state, dataclasses.replace(report.outcome, job_id=None, detail=""))


def test_the_table_has_every_transcript() -> None:
    assert sorted(EXPECTED) == sorted(path.stem for path in DATA.glob("*.json"))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_answer_is_read_aright(name: str) -> None:
    assert reading(name) == EXPECTED[name]


def test_no_environment_of_a_job_spoils_the_answer(tmp_path: Path) -> None:
    """Sixteen jobs with a byte that is not UTF-8, quotes, escapes, and numbers that are none."""
    recorded = record("20-qstat-x-f-json-all")["stdout"].encode()
    assert recorded.count(rb"\xe9") == 2
    (tmp_path / "answer").write_bytes(recorded.replace(rb"\xe9", b"\xe9"))
    code = "import pathlib, sys; sys.stdout.buffer.write(pathlib.Path(sys.argv[1]).read_bytes())"
    answer = run_command([sys.executable, "-c", code, str(tmp_path / "answer")])
    jobs = re.findall(r'^\t\t"(\d+\.pbshost)"', answer.stdout, re.MULTILINE)
    assert len(jobs) == 16
    for job_id in jobs:
        assert without_detail(PbsPro(), job_id, answer) == COMPLETED_0


def test_a_raw_control_character_does_not_spoil_the_answer() -> None:
    raw = record("21-run-exit0")["stdout"].replace("/bin/bash", "/bin/\x01\x1bbash")
    (job_id,) = json.loads(raw, strict=False)["Jobs"]
    assert without_detail(PbsPro(), job_id, Answer(raw, "", 0)) == COMPLETED_0


def test_without_a_job_history_the_next_query_does_without_it() -> None:
    pbs, said = PbsPro(), record("26-nohistory-qstat-x")
    assert pbs.query("625.pbshost") == said["argv"]
    with pytest.raises(ValueError, match="no job history"):
        pbs.report("625.pbshost", Answer(said["stdout"], said["stderr"], said["rc"]))
    assert pbs.query("625.pbshost") == ["qstat", "-f", "-F", "json", "625.pbshost"]


def test_an_answer_about_another_job_is_no_answer() -> None:
    said = record("21-run-exit0")
    with pytest.raises(ValueError, match=r"said nothing of job 9\.pbshost"):
        PbsPro().report("9.pbshost", Answer(said["stdout"], "", 0))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Exit_status": -3}, "PBS gives Exit_status -3. Job run at Mon Nov 23"),
        ({"Exit_status": 256}, "PBS gives Exit_status 256. Job run at Mon Nov 23"),
        ({"Exit_status": None}, "PBS gives no Exit_status. Job run at Mon Nov 23"),
    ],
)
def test_a_status_that_is_missing_or_no_one_s_is_lost(
    changes: dict[str, Any], expected: str
) -> None:
    jobs = json.loads(record("21-run-exit0")["stdout"])
    (job_id,) = jobs["Jobs"]
    jobs["Jobs"][job_id].update(changes)
    report = PbsPro().report(job_id, Answer(json.dumps(jobs), "", 0))
    assert report is not None
    assert report.outcome is not None
    assert report.outcome.kind is OutcomeKind.LOST
    assert report.outcome.detail.startswith(expected)


def test_a_state_that_pbs_does_not_have_is_not_guessed() -> None:
    jobs = {"Jobs": {"1.pbshost": {"job_state": "Z"}}}
    with pytest.raises(ValueError, match=r"calls the state of 1\.pbshost 'Z'"):
        PbsPro().report("1.pbshost", Answer(json.dumps(jobs), "", 0))


def test_the_outcome_keeps_the_words_of_pbs() -> None:
    said = record("21-run-mem")
    report = PbsPro().report(said["argv"][-1], Answer(said["stdout"], "", 0))
    assert report is not None
    assert report.outcome is not None
    assert report.outcome.detail.endswith("and exceeded resource mem")


@pytest.mark.parametrize(
    ("stdout", "expected"),
    [("Maintenance on\n2026\n12.gadi-pbs\n", "12.gadi-pbs"), ("12 jobs of yours\n", None)],
)
def test_the_job_id_is_found_among_a_site_s_notices(stdout: str, expected: str | None) -> None:
    assert PbsPro().job_id(Answer(stdout, "", 0)) == expected


def test_resources_become_directives() -> None:
    spec = JobSpec(
        ("x",),
        queue="normal",
        project="a56",
        resources=Resources(memory=2**30 + 1, cpus=4, walltime=5400),
    )
    assert PbsPro().directives(
        Submission(spec, "run", "train", Path("/r/job.sh"), Path("/r/log"))
    ) == [
        "#PBS -N train",
        "#PBS -j oe",
        "#PBS -r n",
        "#PBS -q normal",
        "#PBS -P a56",
        "#PBS -l ncpus=4",
        "#PBS -l mem=1025mb",
        "#PBS -l walltime=1:30:00",
    ]


def test_queue_auto_names_no_queue() -> None:
    submission = Submission(JobSpec(("x",), queue="auto"), "run", "x", Path("/j"), Path("/l"))
    assert not any("-q" in line for line in PbsPro().directives(submission))
