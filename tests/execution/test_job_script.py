"""The job script, run by bash as a scheduler would run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qxub.execution.run_directory import Ending, JobFiles
from qxub.job import JobSpec
from tests.execution import scripts
from tests.execution.scripts import bash, prepared
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_jobs
if sys.platform == "win32":  # for mypy, which knows no os.killpg there
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)
RUN_ID = "20261123T101112-0123456789ab"
SHOW_ARGUMENTS = (
    "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
)
arguments = st.lists(st.binary().filter(lambda word: b"\0" not in word).map(os.fsdecode))


def ran(tmp_path: Path, *command: str) -> JobFiles:
    return scripts.ran(tmp_path, JobSpec(command))


@pytest.mark.parametrize("status", [0, 1, 7, 126, 127, 128, 129, 130, 137, 143, 255])
def test_every_status_is_the_command_s_own(tmp_path: Path, status: int) -> None:
    files = ran(tmp_path, "sh", "-c", f"exit {status}")
    assert files.ending() == Ending("exit", str(status), terminated=False)


@pytest.mark.parametrize("name", ["INT", "KILL", "TERM", "SEGV", "PIPE", "USR1", "HUP"])
def test_a_signal_is_told_from_the_status_that_looks_like_it(tmp_path: Path, name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    files = ran(tmp_path, "sh", "-c", f"kill -{name} $$")
    assert files.ending() == Ending("signal", str(int(number)), terminated=False)


@pytest.mark.parametrize("text", [" Exit 0 ", "Done", "[1]+ Done\n Exit 3 "])
def test_no_argument_is_taken_for_an_ending(tmp_path: Path, text: str) -> None:
    files = ran(tmp_path, "sh", "-c", "kill -9 $$", text)
    assert files.ending() == Ending("signal", "9", terminated=False)


def test_the_streams_hold_the_job_s_bytes_and_nothing_else(tmp_path: Path) -> None:
    files = ran(tmp_path, "sh", "-c", "printf 'o\\001\\r\\n'; printf 'e\\377' >&2; kill -9 $$")
    assert files.stdout.read_bytes() == b"o\x01\r\n"
    assert files.stderr.read_bytes() == b"e\xff"


@given(arguments)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arguments_arrive_byte_for_byte(tmp_path: Path, words: list[str]) -> None:
    spec = JobSpec((sys.executable, "-S", "-c", SHOW_ARGUMENTS, *words))
    run = prepared(tmp_path, spec)
    with bash(run) as process:
        process.wait()
    assert run.files().stdout.read_bytes() == b"\0".join(map(os.fsencode, words))


def test_the_command_has_the_signals_of_an_ordinary_process(tmp_path: Path) -> None:
    show = "import signal as s; print([s.getsignal(n).__class__.__name__ for n in (2, 3, 15)])"
    default = subprocess.run([sys.executable, "-S", "-c", show], capture_output=True, check=True)
    assert ran(tmp_path, sys.executable, "-S", "-c", show).stdout.read_bytes() == default.stdout


def test_stdin_is_empty(tmp_path: Path) -> None:
    assert ran(tmp_path, "cat").ending() == Ending("exit", "0", terminated=False)


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        ("trap 'echo bye; exit 5' TERM; touch ready; while :; do sleep 0.05; done", "exit 5"),
        ("touch ready; exec sleep 60", "signal 15"),
    ],
)
def test_term_reaches_the_command_and_is_noted(tmp_path: Path, command: str, ending: str) -> None:
    run = prepared(tmp_path, JobSpec(("bash", "-c", command)))
    with bash(run) as process:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    word, _, detail = ending.partition(" ")
    assert run.files().ending() == Ending(word, detail, terminated=True)


def test_a_second_term_while_the_command_cleans_up_changes_nothing(tmp_path: Path) -> None:
    command = "trap 'touch got; sleep 0.5; exit 5' TERM; touch ready; while :; do sleep 0.05; done"
    run = prepared(tmp_path, JobSpec(("bash", "-c", command)))
    with bash(run) as process:
        for file in ("ready", "got"):
            while not (tmp_path / file).exists():
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    assert run.files().ending() == Ending("exit", "5", terminated=True)


def test_nothing_is_said_of_a_script_that_was_killed(tmp_path: Path) -> None:
    run = prepared(tmp_path, JobSpec(("sleep", "60")))
    with bash(run) as process:
        while not run.files().has_started():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert run.files().ending() is None


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files = ran(tmp_path, "true")
    finally:
        os.umask(before)
    assert files.path.stat().st_mode & 0o777 == 0o700
    assert (files.path / "job.sh").stat().st_mode & 0o777 == 0o700
    for file in (files.stdout, files.stderr, files.path / "spec.json"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_run_is_recorded_once(tmp_path: Path) -> None:
    from qxub.errors import LostError

    prepared(tmp_path, JobSpec(("true",)), RUN_ID)
    with pytest.raises(LostError, match="recorded before, so it is not submitted again"):
        prepared(tmp_path, JobSpec(("true",)), RUN_ID)
