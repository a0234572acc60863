"""What the job script says of every ending that a shell can see; the user's own lines in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from qxub.errors import UsageError
from qxub.execution.run_directory import Ending, RunDirectory
from qxub.job import JobSpec
from tests.execution.scripts import bash, prepared, ran
from tests.posix import runs_jobs
from tests.real.jobs.sites import environment_without
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = runs_jobs
if sys.platform == "win32":  # for mypy, which knows no os.killpg there
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)
PRE = Ending("setup", "the line of --pre", terminated=False)


def line(text: str, **fields: Any) -> JobSpec:
    return JobSpec((), shell_command=text, **fields)


def terminated(run: RunDirectory, ready: Path) -> Ending | None:
    """Run the script, send TERM to its process group once `ready` is there, and return the end."""
    with bash(run) as process:
        while not ready.exists():
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
    return run.files().ending()


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("exit 3", Ending("exit", "3", terminated=False)),
        ("false; (exit 4) || true", Ending("exit", "0", terminated=False)),
        ("kill -9 $$", Ending("signal", "9", terminated=False)),
        ("exec sh -c 'exit 5'", Ending("exit", "5", terminated=False)),
        ("no-such-program", Ending("exit", "127", terminated=False)),
        ("if", Ending("exit", "2", terminated=False)),
    ],
)
def test_a_line_of_bash_in_the_command_s_place(tmp_path: Path, text: str, ending: Ending) -> None:
    assert ran(tmp_path, line(text)).ending() == ending


def test_variables_are_expanded_at_submission_or_left_for_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", "submitted")
    run = prepared(tmp_path, line('echo "${WHERE} ${{WHERE}} $WHERE ${WHERE:-x}" {1..2} ${{A}}'))
    with bash(run, {**os.environ, "WHERE": "running", "A": "{WHERE}"}) as process:
        process.wait()
    expected = "submitted running running running 1 2 {WHERE}\n"
    assert run.files().stdout.read_text() == expected


def test_a_variable_that_is_not_set_at_submission_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\$\{NO_SUCH\} is not set here; \$\{\{NO_SUCH\}\} is"):
        prepared(tmp_path, line("echo ${NO_SUCH}"))


def test_pre_changes_the_command_s_surroundings_and_writes_to_its_streams(tmp_path: Path) -> None:
    spec = line(
        "echo $SET; umask; pwd", pre="export SET=yes; umask 027; echo out; echo err >&2; cd /"
    )
    files = ran(tmp_path, spec)
    assert files.stdout.read_text() == "out\nyes\n0027\n/\n"
    assert files.stderr.read_text() == "err\n"


@pytest.mark.parametrize("pre", ["false", "exit 3", "exit 0", "no-such-program", "return 1", "if"])
def test_a_pre_that_fails_or_leaves_is_a_failed_set_up(tmp_path: Path, pre: str) -> None:
    assert ran(tmp_path, line("touch ran", pre=pre)).ending() == PRE
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("status", [0, 3])
def test_what_pre_sets_in_the_shell_does_not_cost_the_status(tmp_path: Path, status: int) -> None:
    files = ran(tmp_path, line(f"exit {status}", pre="set -euo pipefail; run=1; status=9; word=x"))
    assert files.ending() == Ending("exit", str(status), terminated=False)


def test_post_runs_after_success_and_adds_to_the_output(tmp_path: Path) -> None:
    text = "head -c 200000 /dev/zero | tr '\\0' x"
    files = ran(tmp_path, line(text, post="printf post; printf err >&2"))
    assert files.ending() == Ending("exit", "0", terminated=False)
    assert files.stdout.read_bytes() == b"x" * 200_000 + b"post"
    assert files.stderr.read_bytes() == b"err"


@pytest.mark.parametrize("text", ["exit 3", "kill -9 $$"])
def test_post_does_not_run_after_a_failure(tmp_path: Path, text: str) -> None:
    ending = ran(tmp_path, line(text, post="touch ran")).ending()
    assert ending is not None
    assert ending.word in ("exit", "signal")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("post", "detail"), [("exit 7", "exit 7"), ("kill -9 $$", "signal 9"), ("if", "exit 2")]
)
def test_a_post_that_fails_is_told_as_itself(tmp_path: Path, post: str, detail: str) -> None:
    files = ran(tmp_path, line("echo all of it", post=post))
    assert files.ending() == Ending("post", detail, terminated=False)
    assert files.stdout.read_text() == "all of it\n"


def test_term_during_post_is_noted(tmp_path: Path) -> None:
    run = prepared(tmp_path, line("true", post="touch ready; exec sleep 60"))
    assert terminated(run, tmp_path / "ready") == Ending("post", "signal 15", terminated=True)


def test_term_before_the_command_is_no_failure_of_the_step(tmp_path: Path) -> None:
    run = prepared(tmp_path, line("touch ran", pre="(touch ready; exec sleep 60)"))
    assert terminated(run, tmp_path / "ready") == Ending("signal", "15", terminated=True)
    assert not (tmp_path / "ran").exists()


def test_the_script_s_own_status_is_the_job_s(tmp_path: Path) -> None:
    for spec, status in (
        (line("exit 5"), 5),
        (line("kill -9 $$"), 137),
        (line("true", post="false"), 73),
        (line("true", pre="false"), 71),
    ):
        with bash(prepared(tmp_path, spec)) as process:
            assert process.wait() == status


def test_an_earlier_start_that_still_runs_says_nothing(tmp_path: Path) -> None:
    """As on a node that its scheduler gave up for dead, and that still has the file system."""
    wait = "touch $1.on; while [ ! -e $1 ]; do sleep .02; done; exit $2"
    text = f"[ -e first.on ] || {{ set first 7; {wait}; }}; set second 5; {wait}"
    run = prepared(tmp_path, line(text))
    with bash(run) as first:
        wait_until((tmp_path / "first.on").exists)
        with bash(run) as second:
            wait_until((tmp_path / "second.on").exists)
            (tmp_path / "first").touch()
            assert first.wait() == 7
            assert run.files().ending() is None
            (tmp_path / "second").touch()
            assert second.wait() == 5
    assert run.files().ending() == Ending("exit", "5", terminated=False)


def test_a_watcher_that_was_killed_is_lost_and_not_a_status(tmp_path: Path) -> None:
    run = prepared(tmp_path, line("touch ready; while [ ! -e go ]; do sleep 0.05; done"))
    with bash(run) as process:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, check=True)
        os.kill(int(found.stdout), signal.SIGKILL)
        process.wait()
        (tmp_path / "go").touch()
    assert run.files().ending() == Ending("lost", "", terminated=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_other_signals_do_not_end_the_script_before_its_command(
    tmp_path: Path, number: int
) -> None:
    run = prepared(
        tmp_path, line("touch ready; trap 'exit 4' INT HUP USR1; while :; do sleep .05; done")
    )
    with bash(run) as process:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        time.sleep(0.1)  # until the trap is set
        os.killpg(process.pid, number)
        process.wait()
    assert run.files().ending() == Ending("exit", "4", terminated=False)


def test_a_node_with_bash_and_coreutils_only(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("mkdir", "mv", "rm", "ln", "cat", "sleep", "sh", "bash"):
        (tools / name).symlink_to(str(shutil.which(name)))
    spec = JobSpec(
        ("cat", "file"),
        variables=(("A", "1"),),
        pre="echo pre$A >file",
        post="echo post",
        working_directory="new",
        create_working_directory=True,
        log_directory="logs",
    )
    files = ran(tmp_path, spec, {"PATH": str(tools), "HOME": str(tmp_path)})
    assert files.ending() == Ending("exit", "0", terminated=False), files.setup_words()
    assert files.stdout.read_text() == "pre1\npost\n"
    assert files.setup_words() == ""


def test_the_working_directory(tmp_path: Path) -> None:
    where = JobSpec(("pwd",), working_directory="it's new/inside")
    missing = ran(tmp_path, where).ending()
    assert missing is not None
    assert (missing.word, missing.detail) == ("setup", "entering the working directory")
    made = JobSpec(("pwd",), working_directory="it's new/inside", create_working_directory=True)
    assert ran(tmp_path, made).stdout.read_text() == f"{tmp_path}/it's new/inside\n"


def test_variables_arrive_whole_and_on_no_command_line(tmp_path: Path) -> None:
    values = {"SECRET": 'it\'s $HOME `x` \\ "q"\nsecond line\t', "EMPTY": "", "bytes": "\udcff=,"}
    spec = JobSpec(
        (
            "bash",
            "-c",
            'printf "%s\\0" "$SECRET" "$EMPTY" "$bytes"; cat /proc/$PPID/cmdline; env >&2',
        ),
        variables=tuple(values.items()),
    )
    run = prepared(tmp_path, spec)
    assert b"second line" not in run.script.read_bytes()
    environment = environment_without("QXUB_")
    environment.update(QXUB_VAR_SECRET="from a laptop", QXUB_ARRAY_INDEX="another job's")
    with bash(run, environment) as process:
        process.wait()
    said = run.files().stdout.read_bytes().split(b"\0")
    assert said[:3] == [os.fsencode(value) for value in values.values()]
    assert b"second line" not in b"".join(said[3:])
    assert b"QXUB_" not in run.files().stderr.read_bytes()


def test_a_variable_that_the_shell_keeps_to_itself_fails_the_set_up(tmp_path: Path) -> None:
    ending = ran(tmp_path, JobSpec(("true",), variables=(("UID", "1"), ("A", "2")))).ending()
    assert ending == Ending("setup", "setting the variables", terminated=False)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_all_of_the_run_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    spec = line("umask", variables=(("A", "1"),), post="true")
    before = os.umask(umask)
    try:
        files = ran(tmp_path, spec)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in files.path.iterdir()}
    assert modes.pop("job.sh") == 0o700
    modes.pop("scheduler.log")  # the test's own
    assert set(modes.values()) == {0o600}, modes
    assert files.path.stat().st_mode & 0o777 == 0o700
    assert files.stdout.read_text() == f"{umask:04o}\n"  # the command has the user's


def test_a_run_is_opened_up_by_the_configuration_only(tmp_path: Path) -> None:
    run = prepared(tmp_path, line("true", variables=(("A", "1"),)), mode=0o750)
    with bash(run) as process:
        process.wait()
    modes = {path.name: path.stat().st_mode & 0o777 for path in run.path.iterdir()}
    assert {modes[name] for name in ("stdout", "stderr", "status", "started")} == {0o640}
    assert {modes[name] for name in ("environment", "spec.json")} == {0o600}
    assert modes["job.sh"] == run.path.stat().st_mode & 0o777 == 0o750
    assert run.path.parent.stat().st_mode & 0o777 == 0o710
