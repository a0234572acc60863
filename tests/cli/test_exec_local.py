"""`qxub exec` on the machine where the scheduler is: what tests/real/jobs does not ask of it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.remote import wire
from tests.fakes import both_streams
from tests.fakes.batch.harness import COMMANDS
from tests.posix import runs_jobs
from tests.real.tmpfs import mounted
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.cli.conftest import Qxub

pytestmark = runs_jobs
if sys.platform == "win32":  # for mypy, which knows no os.killpg there
    pytest.skip("jobs run on POSIX systems", allow_module_level=True)


def test_the_job_runs_where_it_was_typed_with_nothing_on_stdin(qxub: Qxub) -> None:
    assert qxub("exec", "--", "sh", "-c", "cat; pwd").stdout == f"{qxub.directory}\n".encode()


def test_output_comes_as_it_is_written(qxub: Qxub) -> None:
    script = "printf first; while [ ! -e go ]; do sleep 0.02; done; printf second"
    with qxub.start("exec", "--", "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"first"
        (qxub.directory / "go").touch()
        assert process.communicate()[0] == b"second"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_job(qxub: Qxub, number: int) -> None:
    script = "trap 'touch told; exit 3' TERM; touch started; while :; do sleep 0.02; done"
    with qxub.start("exec", "--", "bash", "-c", script) as process:
        wait_until((qxub.directory / "started").exists)
        process.send_signal(number)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.endswith(b"qxub: cancelled (exit status 130)\n")
    assert (qxub.directory / "told").exists()


def test_an_interrupt_while_the_code_is_still_read_is_quiet(qxub: Qxub) -> None:
    """The import of click stands for all that takes time before the command begins."""
    lines = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (qxub.directory / "click.py").write_text(lines)
    qxub.environment["PYTHONPATH"] = str(qxub.directory)
    done = qxub("exec", "--", "true")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_walltime_is_124(qxub: Qxub) -> None:
    done = qxub("exec", "--runtime", "1s", "--", "sleep", "60")
    assert (done.returncode, done.stderr) == (124, b"qxub: walltime exceeded (exit status 124)\n")


def test_a_job_that_was_killed_with_its_supervisor_is_lost(qxub: Qxub) -> None:
    with qxub.start("exec", "--", "sh", "-c", "touch started; exec sleep 60") as process:
        wait_until((qxub.directory / "started").exists)
        (supervisor,) = (qxub.directory / "state").glob("qxub/local/*/running/1.local.supervisor")
        (script,) = qxub.runs.glob("*/job.sh")
        os.kill(int(supervisor.read_text()), signal.SIGKILL)
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            if str(script).encode() in entry.read_bytes():
                os.killpg(int(entry.parent.name), signal.SIGKILL)
                break
        _, err = process.communicate()
    assert process.returncode == 75
    assert err.startswith(b"qxub: lost")


def test_a_reader_that_goes_cancels_the_job(qxub: Qxub) -> None:
    with qxub.start("exec", "--", "yes") as process:
        assert process.stdout is not None
        assert process.stdout.read(4) == b"y\ny\n"
        process.stdout.close()
        process.stdout = None
        process.communicate()
    assert process.returncode == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_told_and_kept(qxub: Qxub) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        qxub.start("exec", "--", "echo", "x", stdout=full) as p,
    ):
        _, err = p.communicate()
    assert p.returncode == 75
    assert b"No space left on device" in err
    (kept,) = qxub.runs.glob("*/stdout")
    assert kept.read_bytes() == b"x\n"
    assert str(kept.parent).encode() in err


def test_a_step_before_the_command_that_fails_is_71(qxub: Qxub) -> None:
    done = qxub("exec", "--env", "no-such-env", "--", "true")
    assert done.returncode == 71
    assert b"activating the conda environment no-such-env failed" in done.stderr


def test_terse_prints_the_job_id_and_leaves(qxub: Qxub) -> None:
    done = qxub("exec", "--terse", "--", "sh", "-c", "sleep 0.5; touch ended")
    assert (done.returncode, done.stdout) == (0, b"1.local\n")
    wait_until((qxub.directory / "ended").exists)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_terse_that_is_interrupted_while_it_submits_cancels_the_job(
    qxub: Qxub, number: int
) -> None:
    """By a PBS that takes its time."""
    state = qxub.directory / "pbs"
    state.mkdir()
    (state / "slow").write_text("1")
    qxub.environment["PATH"] = f"{COMMANDS}:{qxub.environment['PATH']}"
    qxub.environment["FAKE_PBS"] = str(state)
    qxub.config.write_text("scheduler: pbs_pro\nmonitoring: {interval: 1}\n")
    with qxub.start("exec", "--terse", "--hold", "--", "true") as process:
        wait_until(lambda: any(qxub.runs.glob("*/job.sh")))
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, b""), err
    assert b"qxub: cancelled (exit status 130)\n" in err


def test_verbose_tells_on_stderr_what_happens(qxub: Qxub) -> None:
    said = qxub("exec", "-v", "--", "true").stderr.decode()
    assert "qxub: submitted as local job 1.local\n" in said
    assert said.endswith("qxub: completed with exit status 0\n")


def test_defaults_apply_where_the_job_is_submitted(qxub: Qxub) -> None:
    qxub.config.write_text("scheduler: local\ndefaults: {runtime: 1s}\n")
    assert qxub("exec", "--", "sleep", "60").returncode == 124


def test_an_array_ends_as_its_worst_member(qxub: Qxub) -> None:
    script = 'echo "out $QXUB_ARRAY_INDEX"; exit $((QXUB_ARRAY_INDEX % 3))'
    done = qxub("exec", "--array", "1-5", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (2, b"out 1\nout 2\nout 3\nout 4\nout 5\n")
    assert done.stderr.decode().splitlines() == [
        "qxub: the members of the array:",
        "  completed with exit status 1  1, 4",
        "  completed with exit status 2  2, 5",
        "  completed with exit status 0  3",
    ]


@pytest.mark.parametrize("interval", ["soon", "0", "nan", "inf"])
def test_an_interval_that_is_none_is_a_config_error(qxub: Qxub, interval: str) -> None:
    qxub.config.write_text(f"scheduler: local\nmonitoring:\n  interval: {interval}\n")
    done = qxub("exec", "--", "true")
    assert done.returncode == 78
    assert f"{qxub.config}, line 3: monitoring.interval: ".encode() in done.stderr


def test_the_scheduler_is_that_of_the_platform_s_definition(qxub: Qxub) -> None:
    """Before any command is tried; and the settings have the first word."""
    definition = qxub.directory / "gadi.yaml"
    definition.write_text("platform: {type: no_such_scheduler}\n")
    here = f"platforms: {{gadi: {{definition: {definition}}}}}\n"
    qxub.config.write_text(here)
    done = qxub("exec", "--platform", "gadi", "--", "true")
    assert done.returncode == 78
    assert b"unknown scheduler 'no_such_scheduler'" in done.stderr
    qxub.config.write_text(f"scheduler: local\n{here}")
    assert qxub("exec", "--platform", "gadi", "--", "true").returncode == 0


def test_the_interval_of_the_configuration_is_kept(qxub: Qxub) -> None:
    qxub.config.write_text("scheduler: local\nmonitoring: {interval: 600}\n")
    assert qxub("exec", "--", "sleep", "3").returncode == 0
    assert not list((qxub.directory / "state").glob("qxub/watch/*/local/answer"))
    qxub.config.write_text("scheduler: local\n")
    assert qxub("exec", "--", "sleep", "3").returncode == 0
    assert list((qxub.directory / "state").glob("qxub/watch/*/local/answer"))


def test_dry_shows_the_script_and_the_submission_and_does_nothing(qxub: Qxub) -> None:
    done = qxub("exec", "--dry", "--mem", "1GB", "--cpus", "2", "--", "touch", "it's done")
    script, _, submission = done.stdout.decode().rpartition("# ")
    assert script.startswith("#!/bin/bash\n")
    assert shlex.join(["touch", "it's done"]) in script
    assert submission.splitlines()[1].endswith("/job.sh")
    assert "--cpus=2" in submission
    assert not qxub.runs.exists()


def test_twenty_megabytes_on_each_stream_at_once(qxub: Qxub) -> None:
    size = 20_000_000
    done = qxub("exec", "--", sys.executable, both_streams.__file__, str(size))
    assert done.returncode == 0
    assert done.stdout == both_streams.random_bytes(1, size)
    assert done.stderr == both_streams.random_bytes(2, size)


def test_the_state_of_a_run_is_private(qxub: Qxub) -> None:
    before = os.umask(0)
    try:
        qxub("exec", "--", "true")
    finally:
        os.umask(before)
    (run,) = qxub.runs.iterdir()
    for path in (run, *run.iterdir()):
        if path.name not in ("started", "ending", "status", "scheduler.log"):
            assert path.stat().st_mode & 0o077 == 0, path
    assert qxub.runs.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", ["2>/dev/full", "2>&-"])
def test_words_that_cannot_be_written_leave_the_status_alone(qxub: Qxub, place: str) -> None:
    if "full" in place and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    words = [*map(shlex.quote, (sys.executable, "-m", "qxub", "exec", "-v")), "--", "sh", "-c"]
    line = f"{' '.join(words)} 'echo out; exit 4' {place}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=qxub.directory, env=qxub.environment, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, b"out\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_dry_run_that_cannot_be_shown_is_told(qxub: Qxub) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        qxub.start("exec", "--dry", "--", "x" * 10**5, stdout=full) as process,
    ):
        _, err = process.communicate()
    assert process.returncode == 2
    assert err.startswith(b"qxub: what would happen cannot be written to stdout: No space left")


def test_a_working_directory_that_is_gone_is_told(qxub: Qxub) -> None:
    gone = qxub.directory / "gone"
    gone.mkdir()
    words = ("rmdir", str(gone), "&&", "exec", sys.executable, "-m", "qxub", "exec", "--", "true")
    done = subprocess.run(
        ["bash", "-c", " ".join(words)],
        cwd=gone, env=qxub.environment, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"qxub: the directory in which qxub was called is gone: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_job_id_that_cannot_be_written_is_told(qxub: Qxub) -> None:
    with Path("/dev/full").open("wb") as full:
        process = qxub.start("exec", "--terse", "--", "touch", "ran", stdout=full)
    _, err = process.communicate()
    assert process.returncode == 75
    assert b"job 1.local was submitted, but its ID cannot be written: [Errno 28]" in err
    wait_until((qxub.directory / "ran").exists)


def test_a_state_directory_that_takes_nothing_is_told(qxub: Qxub) -> None:
    place = qxub.directory / "file"
    place.touch()
    qxub.environment["XDG_STATE_HOME"] = str(place)
    done = qxub("exec", "--", "touch", "ran")
    assert (done.returncode, done.stdout) == (78, b"")
    assert b"the run cannot be recorded in" in done.stderr
    assert b"Nothing was submitted" in done.stderr
    assert not (qxub.directory / "ran").exists()


def test_a_disk_that_is_too_full_for_the_queue_is_told_with_the_way_out(qxub: Qxub) -> None:
    """There is room for the record of the run, but not for the database of the queue."""
    with mounted(qxub.directory / "small", "size=28k") as small:
        qxub.environment["XDG_STATE_HOME"] = str(small)
        done = qxub("exec", "--", "touch", "ran")
    assert done.returncode == 69
    told = " ".join(done.stderr.decode().split())
    assert f"the queue of this machine, {small}/qxub/local/" in told
    assert "is full" in told
    assert "Nothing was submitted. Make room there, or let XDG_STATE_HOME name another" in told
    assert not (qxub.directory / "ran").exists()


def test_a_second_qxub_with_the_same_run_follows_the_first_one_s_job(qxub: Qxub) -> None:
    """As after a dropped line: the laptop asks again, and the far side has the run already."""
    qxub.environment.update(
        QXUB_WIRE=wire.variable("0" * 32), QXUB_RUN_ID="20261128T000000-0123456789ab"
    )
    words = ("exec", "--", "sh", "-c", "echo out; echo x >>ran; exit 4")
    for _ in range(2):
        with qxub.start(*words, stdin=subprocess.PIPE) as process:
            assert process.stdout is not None
            said = process.stdout.read()  # the laptop's end of stdin stays open meanwhile
        assert process.returncode == 4
        assert b"out\n" in said
        assert b"1.local" in said
    assert (qxub.directory / "ran").read_text() == "x\n"
