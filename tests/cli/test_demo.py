"""`qxub demo`: the whole way, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Qxub
from tests.posix import runs_jobs

if TYPE_CHECKING:
    from pathlib import Path

STEPS = ["config", "host", "command", "connected", "submitted", "started", "stdout", "stderr"]


@pytest.fixture
def demo(tmp_path: Path) -> Qxub:
    """A qxub with an empty place for temporary files and a home that must stay as it is."""
    qxub = Qxub(tmp_path)
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    qxub.environment.update(TMPDIR=str(tmp_path / "tmp"), HOME=str(tmp_path / "home"))
    del qxub.environment["XDG_CONFIG_HOME"], qxub.environment["XDG_STATE_HOME"]
    return qxub


def assert_nothing_left(demo: Qxub) -> None:
    assert list((demo.directory / "tmp").iterdir()) == []
    assert list((demo.directory / "home").iterdir()) == []
    found = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True, env=os.environ
    )
    assert str(demo.directory) not in found.stdout


@runs_jobs
@pytest.mark.parametrize("status", [0, 7, 255])
def test_it_shows_each_step_and_exits_as_the_command(demo: Qxub, status: int) -> None:
    done = demo("demo", "--", "sh", "-c", f"echo out; echo err >&2; exit {status}")
    assert (done.returncode, done.stderr) == (status, b"")
    lines = done.stdout.decode().splitlines()
    assert sorted(line.split()[0] for line in lines[:-1]) == sorted(STEPS)
    assert "   stdout  out" in lines
    assert "   stderr  err" in lines
    assert lines[-1] == f"  outcome  completed with exit status {status}"
    assert f"qxub exec -- sh -c 'echo out; echo err >&2; exit {status}'" in lines[2]
    assert_nothing_left(demo)


@runs_jobs
def test_it_has_an_example_of_its_own(demo: Qxub) -> None:
    done = demo("demo")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"   stdout  done" in done.stdout
    assert_nothing_left(demo)


@runs_jobs
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_behind(demo: Qxub, number: int) -> None:
    started = demo.directory / "started"
    script = f"touch {started}; exec sleep 600"
    with demo.start("demo", "--", "sh", "-c", script) as process:
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        out, _ = process.communicate()
    assert process.returncode == 130
    assert out.decode().splitlines()[-1] == "  outcome  cancelled (exit status 130)"
    assert_nothing_left(demo)


@runs_jobs
@pytest.mark.parametrize("delay", [0.3, 0.6, 0.9, 1.2])
def test_an_interrupt_at_any_time_leaves_nothing_behind(demo: Qxub, delay: float) -> None:
    with demo.start("demo", "--", "sleep", "600") as process:
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode in (130, -signal.SIGINT)
    assert delay < 0.5 or b"Traceback" not in err  # before that, Python itself is still starting
    assert_nothing_left(demo)


@pytest.mark.parametrize("status", [0, 7])
def test_without_bash_it_says_so_and_shows_the_client_s_half(demo: Qxub, status: int) -> None:
    demo.environment["PATH"] = str(demo.directory / "tmp")
    code = f"import sys; print('out'); print('err', file=sys.stderr); sys.exit({status})"
    done = demo("demo", "--", sys.executable, "-c", code)
    assert (done.returncode, done.stderr) == (status, b"")
    lines = done.stdout.decode().splitlines()
    assert "a batch job needs bash, and there is none here" in done.stdout.decode()
    assert "   stdout  out" in lines
    assert "   stderr  err" in lines
    assert lines[-1] == f"  outcome  completed with exit status {status}"
    assert list((demo.directory / "tmp").iterdir()) == []
