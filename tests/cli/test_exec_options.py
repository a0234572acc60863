"""The options of `qxub exec` that change the job, on the embedded scheduler."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.posix import runs_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cli.conftest import Qxub

pytestmark = runs_jobs


def test_a_line_of_bash(qxub: Qxub) -> None:
    qxub.environment["WHERE"] = "here"
    done = qxub("exec", "--cmd", 'echo "${WHERE} ${{WHERE}}" | tr h H; exit 3')
    assert (done.returncode, done.stdout, done.stderr) == (3, b"Here Here\n", b"")


def test_neither_command_nor_line_and_both(qxub: Qxub) -> None:
    assert qxub("exec").returncode == 2
    done = qxub("exec", "--cmd", "true", "--", "true")
    assert done.returncode == 2
    assert b"a job needs a command, or --cmd in its place, and not both" in done.stderr


def test_pre_and_post_write_to_the_job_s_streams(qxub: Qxub) -> None:
    done = qxub(
        "exec", "--pre", "echo pre; A=1; export A", "--post", "echo post$A", "--cmd", "echo $A"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"pre\n1\npost1\n", b"")


def test_a_post_that_fails_is_73_with_its_own_status(qxub: Qxub) -> None:
    done = qxub("exec", "--post", "echo sorry >&2; exit 5", "--", "echo", "fine")
    assert (done.returncode, done.stdout) == (73, b"fine\n")
    assert done.stderr.startswith(b"sorry\nqxub: post failed (exit status 73)")
    assert b"the command succeeded, but --post ended with exit 5" in done.stderr


def test_a_pre_that_fails_is_71(qxub: Qxub) -> None:
    done = qxub("exec", "--pre", "echo sorry >&2; exit 5", "--", "touch", "ran")
    assert done.returncode == 71
    assert done.stderr.startswith(b"sorry\n")
    assert b"the line of --pre failed" in done.stderr
    assert not (qxub.directory / "ran").exists()


def test_output_in_the_user_s_files_is_shown_as_well(qxub: Qxub) -> None:
    options = ("--name", "talk", "--log-dir", "logs/{name}", "--err", "{job_id}.err")
    done = qxub("exec", *options, "--", "sh", "-c", "printf 'o\\377'; printf e >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"o\xff", b"e")
    logs = qxub.directory / "logs" / "talk"
    assert (logs / "1.local.err").read_bytes() == b"e"
    (out,) = logs.glob("talk-*.out")
    assert out.read_bytes() == b"o\xff"


def test_output_that_cannot_be_opened_is_71_and_says_why(qxub: Qxub) -> None:
    (qxub.directory / "logs").write_text("")
    done = qxub("exec", "--out", "logs/out", "--", "true")
    assert done.returncode == 71
    assert b"opening the log files failed" in done.stderr


def test_variables_are_set_and_only_named_in_what_others_can_see(qxub: Qxub) -> None:
    qxub.environment["WORD"] = "from here"
    done = qxub("exec", "--var", "WORD", "--vars", "A=1,B=2", "--cmd", 'echo "$WORD $A$B"')
    assert done.stdout == b"from here 12\n"
    (run,) = qxub.runs.iterdir()
    assert b"from here" not in (run / "job.sh").read_bytes()
    assert (run / "environment").stat().st_mode & 0o777 == 0o600


def test_a_working_directory_that_is_made(qxub: Qxub) -> None:
    done = qxub("exec", "--execdir", "a/b", "--create-execdir", "--", "pwd")
    assert done.stdout.decode() == f"{qxub.directory}/a/b\n"


def test_a_tilde_that_the_shell_has_left_alone_is_the_home_directory(qxub: Qxub) -> None:
    home = qxub.directory / "home"
    home.mkdir()
    qxub.environment["HOME"] = str(home)
    (home / "job").write_text("#!/bin/bash\n{directives}\n{steps}\n{command}\n")
    options = ("--execdir=~/a", "--create-execdir", "--template=~/job", "--result=~/result")
    done = qxub("exec", *options, "--", "pwd")
    assert (done.returncode, done.stdout.decode()) == (0, f"{home}/a\n"), done.stderr
    assert (home / "result").exists()
    assert b"~/none: cannot" not in qxub("exec", "--config=~/none", "--", "true").stderr


@pytest.mark.parametrize("flag", ["--out", "--log-dir", "--execdir", "--template"])
def test_a_home_directory_that_nobody_knows_is_a_usage_error(qxub: Qxub, flag: str) -> None:
    done = qxub("exec", flag, "~no-such-user/x", "--", "true")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no home directory is known for ~no-such-user\n" in done.stderr
    assert not qxub.runs.exists()


def test_a_dependency_on_what_is_no_job_of_this_machine_is_refused(qxub: Qxub) -> None:
    done = qxub("exec", "--depend", "afterok:99", "--", "true")
    assert done.returncode == 65
    assert b"'99' is not the ID of a job on this machine (such as 12.local)" in done.stderr


def test_a_template_and_an_unknown_word_in_one(qxub: Qxub) -> None:
    template = qxub.directory / "job.template"
    template.write_text("#!/bin/bash\n{directives}\n{steps}\nexport A={name}\n{command}\n")
    done = qxub("exec", "--template", "job.template", "-N", "n", "--cmd", "echo $A; exit 4")
    assert (done.returncode, done.stdout) == (4, b"n\n")
    template.write_text("#!/bin/bash\n{directives}\n{stepps}\n{command}\n")
    done = qxub("exec", "--template", "job.template", "--", "true")
    assert done.returncode == 78
    assert b"job.template, line 3: unknown placeholder {stepps}" in done.stderr


def test_the_members_of_an_array_write_into_files_of_their_own(qxub: Qxub) -> None:
    options = (
        "--terse",
        "--array",
        "1-3:2",
        "--log-dir",
        "logs",
        "--out",
        "{job_id}.out",
        "--var",
        "A=x",
    )
    done = qxub("exec", *options, "--cmd", "echo $A $QXUB_ARRAY_INDEX; exit $QXUB_ARRAY_INDEX")
    assert (done.returncode, done.stdout) == (0, b"1.local\n"), done.stderr
    (run,) = qxub.runs.iterdir()
    for index in ("1", "3"):
        wait_until((run / index / "status").exists)
        assert (run / index / "status").read_text() == f"exit {index}\n"
        assert (run / index / "stdout").read_text() == f"x {index}\n"
        assert (qxub.directory / "logs" / f"1[{index}].local.out.{index}").exists()


def test_tags_are_recorded(qxub: Qxub) -> None:
    qxub("exec", "--tag", "paper", "--tags", "a,b c", "--", "true")
    (run,) = qxub.runs.iterdir()
    assert json.loads((run / "spec.json").read_text())["tags"] == ["paper", "a", "b", "c"]


@pytest.mark.parametrize(
    ("config", "options", "expected"),
    [
        ("defaults: {resources: [walltime=9s, ncpus=1]}", [], "--cpus=1 --walltime=9"),
        ("defaults: {resources: 'walltime=9s', runtime: 8s}", [], "--cpus=1 --walltime=8"),
        ("defaults: {runtime: 8s}", ["-l", "time=7s"], "--cpus=1 --walltime=7"),
        ("defaults: {runtime: 8s}", ["-l", "time=7s", "--time", "6s"], "--cpus=1 --walltime=6"),
    ],
)
def test_each_resource_is_resolved_by_itself(
    qxub: Qxub, config: str, options: list[str], expected: str
) -> None:
    qxub.config.write_text(f"scheduler: local\n{config}\n")
    assert expected in qxub("exec", "--dry", *options, "--", "true").stdout.decode()


def test_logs_by_default_and_a_place_opened_up(qxub: Qxub) -> None:
    qxub.environment["HOME"] = str(qxub.directory / "home")
    lines = "scheduler: local\nrun_directory_mode: 0750\ndefaults: {log_dir: ~/logs, out: o}\n"
    qxub.config.write_text(lines)
    assert qxub("exec", "--", "echo", "x").stdout == b"x\n"
    assert (qxub.directory / "home" / "logs" / "o").read_text() == "x\n"
    (run,) = qxub.runs.iterdir()
    assert run.stat().st_mode & 0o777 == 0o750
    assert (run / "status").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            "run_directory_mode: 0666",
            "line 2: run_directory_mode: '0666' is no mode of a directory",
        ),
        ("defaults: {out: 'x.{job}'}", "line 2: defaults.out: 'x.{job}': unknown {job}"),
        ("defaults:\n  resources:\n  - nodes=1", "line 4: defaults.resources: 'nodes=1' is no"),
    ],
)
def test_a_configuration_that_is_wrong_is_told_with_its_line(
    qxub: Qxub, lines: str, words: str
) -> None:
    qxub.config.write_text(f"scheduler: local\n{lines}\n")
    done = qxub("exec", "--", "true")
    assert done.returncode == 78
    assert words in done.stderr.decode()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
def test_no_process_of_the_run_shows_a_value(qxub: Qxub) -> None:
    qxub.environment["WORD"] = "se" + "cret-" + str(os.getpid())
    look = 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'
    done = qxub("exec", "--var", "WORD", "--", "sh", "-c", look)
    assert done.returncode in (0, 1)  # processes go while cat reads
    assert b"exec --var WORD --" in done.stdout
    assert qxub.environment["WORD"].encode() not in done.stdout
