"""`--result FILE` holds one JSON object, whatever the ending."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.posix import runs_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cli.conftest import Qxub

NOT_ASKED = {"submitted": None, "started": None, "ended": None}


def result(qxub: Qxub) -> Any:
    return json.loads((qxub.directory / "result.json").read_text())


def run(qxub: Qxub, *words: str) -> tuple[int, Any]:
    status = qxub("exec", "--result", "result.json", *words).returncode
    return status, result(qxub)


@runs_jobs
def test_a_job_that_ran(qxub: Qxub) -> None:
    status, found = run(qxub, "--", "sh", "-c", "exit 3")
    assert status == 3
    (directory,) = qxub.runs.iterdir()
    for key in ("queue", "node", "used", "times"):  # the scheduler may have been asked, or not
        found.pop(key)
    assert found == {
        "kind": "completed",
        "exit_status": 3,
        "signal": None,
        "message": "",
        "hint": "",
        "run_id": directory.name,
        "job_id": "1.local",
        "scheduler": "local",
        "directory": str(directory),
        "members": [],
    }


@runs_jobs
def test_the_times_of_a_job_that_no_scheduler_was_asked_about(qxub: Qxub) -> None:
    qxub.config.write_text("scheduler: local\nmonitoring: {interval: 600}\n")
    _, found = run(qxub, "--array", "1-2", "--", "true")
    (directory,) = qxub.runs.iterdir()
    assert (found["queue"], found["used"]) == (None, {})
    assert found["times"]["submitted"].startswith(f"{directory.name[:4]}-")
    for member in found["members"]:
        assert member["times"]["submitted"] is None
        assert member["times"]["started"] <= member["times"]["ended"]
    _, found = run(qxub, "--", "sleep", "1.1")
    times = found["times"]
    assert times["submitted"] <= times["started"] < times["ended"]


@runs_jobs
def test_a_signal(qxub: Qxub) -> None:
    status, found = run(qxub, "--", "sh", "-c", "kill -9 $$")
    assert (status, found["kind"], found["exit_status"], found["signal"]) == (
        137,
        "signalled",
        137,
        9,
    )


@runs_jobs
def test_a_step_that_failed(qxub: Qxub) -> None:
    status, found = run(qxub, "--env", "no-such-env", "--", "true")
    assert (status, found["kind"], found["exit_status"]) == (71, "remote setup failed", 71)
    assert "no-such-env" in found["message"]


@runs_jobs
def test_a_cancelled_job(qxub: Qxub) -> None:
    script = "touch started; exec sleep 600"
    words = ("exec", "--result", "result.json", "--", "sh", "-c", script)
    with qxub.start(*words) as process:
        wait_until((qxub.directory / "started").exists)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert (result(qxub)["kind"], result(qxub)["job_id"]) == ("cancelled", "1.local")


@runs_jobs
def test_a_second_ctrl_c_leaves_the_job_and_says_where_it_is(qxub: Qxub) -> None:
    script = "trap '' TERM; touch started; sleep 20"  # it may outlive both, but not for long
    words = ("exec", "-v", "--result", "result.json", "--", "bash", "-c", script)
    with qxub.start(*words) as process:
        assert process.stderr is not None
        wait_until((qxub.directory / "started").exists)
        process.send_signal(signal.SIGINT)
        while b"cancelling" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    (directory,) = qxub.runs.iterdir()
    assert process.returncode == 75
    assert b"no longer following local job 1.local: Ctrl-C twice" in err
    assert str(directory).encode() in err
    found = result(qxub)
    assert (found["kind"], found["exit_status"], found["job_id"]) == ("lost", 75, "1.local")
    assert str(directory) in found["hint"]
    (question,) = re.findall("ask by `(.*)`", found["hint"])
    told = subprocess.run(
        ["bash", "-c", question], env=qxub.environment, capture_output=True, check=True
    )
    assert b"1.local" in told.stdout


@runs_jobs
def test_a_refusal(qxub: Qxub) -> None:
    status, found = run(qxub, "--cpus", "100000", "--", "true")
    assert (status, found["kind"], found["exit_status"]) == (65, "refused", 65)
    assert "refused the job" in found["message"]
    assert found["job_id"] is None


@pytest.mark.parametrize(
    "words",
    [
        ["--mem", "lots", "--", "true"],
        ["--no-such-option", "--", "true"],
        ["--"],
        ["--env", "a", "--sif", "b", "--", "true"],
        ["--platform", "nowhere", "--", "true"],
        ["--array", "5-1", "--", "true"],
    ],
)
def test_usage_errors_that_click_finds_and_that_we_find(client: Qxub, words: list[str]) -> None:
    status, found = run(client, *words)
    assert (status, found["kind"], found["exit_status"]) == (2, "usage", 2)
    assert found["message"]
    assert found["times"] == NOT_ASKED


def test_the_file_may_be_named_with_an_equals_sign(client: Qxub) -> None:
    assert client("exec", "--mem=lots", "--result=result.json", "--", "true").returncode == 2
    assert result(client)["kind"] == "usage"


def test_what_stands_in_the_command_is_the_command_s(client: Qxub) -> None:
    client("exec", "--mem", "lots", "--", "x", "--result", "result.json")
    assert not (client.directory / "result.json").exists()


def test_a_bad_configuration(client: Qxub) -> None:
    client.config.write_text("a: [b\n")
    status, found = run(client, "--", "true")
    assert (status, found["kind"]) == (78, "config")
    assert str(client.config) in found["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="PATH is not emptied there")
def test_a_scheduler_that_is_not_there(qxub: Qxub) -> None:
    qxub.config.write_text("scheduler: slurm\n")
    qxub.environment["PATH"] = ""
    status, found = run(qxub, "--", "true")
    assert (status, found["kind"]) == (69, "scheduler unavailable")


@runs_jobs
def test_terse_knows_no_end(qxub: Qxub) -> None:
    status, found = run(qxub, "--terse", "--", "true")
    assert (status, found["kind"], found["exit_status"]) == (0, None, None)
    assert (found["job_id"], found["scheduler"]) == ("1.local", "local")


@runs_jobs
def test_dry_writes_nothing(qxub: Qxub) -> None:
    assert qxub("exec", "--dry", "--result", "result.json", "--", "true").returncode == 0
    assert not (qxub.directory / "result.json").exists()


@runs_jobs
def test_it_is_private_and_replaces_what_was_there(qxub: Qxub) -> None:
    place = qxub.directory / "result.json"
    place.write_text("of an earlier run")
    place.chmod(0o644)
    assert run(qxub, "--", "true")[1]["kind"] == "completed"
    assert place.stat().st_mode & 0o777 == 0o600


@runs_jobs
def test_an_earlier_result_is_gone_while_the_job_runs(qxub: Qxub) -> None:
    (qxub.directory / "result.json").write_text("of an earlier run")
    status = qxub("exec", "--result", "result.json", "--", "test", "-e", "result.json").returncode
    assert status == 1


@runs_jobs
@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("nowhere/result.json", "there is no directory"),
        (".", "it is no regular file"),
        ("/dev/null", "it is no regular file"),
        ("a" * 300, "File name too long"),
    ],
)
def test_a_place_that_takes_no_file_is_told_before_anything_is_submitted(
    qxub: Qxub, place: str, problem: str
) -> None:
    done = qxub("exec", "--result", place, "--", "true")
    assert done.returncode == 2
    assert problem.encode() in done.stderr
    assert not qxub.runs.exists()
