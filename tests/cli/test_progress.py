"""While a job waits there is one line on the terminal, and none anywhere else."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("the terminals are POSIX", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere

from tests.posix import runs_jobs  # noqa: E402
from tests.real.terminal_posix import Terminal, terminal  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Qxub

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
pytestmark = runs_jobs


def shown(screen: str) -> list[str]:
    """Return the lines that stand on a terminal when all this was written there."""
    lines = []
    for line in screen.replace("\r\n", "\n").split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


@pytest.fixture
def qxub(qxub: Qxub) -> Qxub:
    qxub.environment["NO_COLOR"] = "1"
    return qxub


@pytest.fixture
def busy(qxub: Qxub) -> Iterator[Path]:
    """The embedded scheduler, whose cores are all taken until the file is there."""
    go = qxub.directory / "go"
    script = "touch taken; while [ ! -e go ]; do sleep 0.05; done"
    assert qxub("exec", "--terse", "--cpus", str(CORES), "--", "sh", "-c", script).returncode == 0
    deadline = time.monotonic() + 60
    while not (qxub.directory / "taken").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield go
    go.touch()


@pytest.fixture
def screen() -> Iterator[Terminal]:
    with terminal(columns=80) as opened:
        yield opened


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "qxub", "exec", *words]


def test_one_line_says_that_the_job_waits_and_goes_when_it_starts(
    qxub: Qxub, busy: Path, screen: Terminal
) -> None:
    argv = command("--", "sh", "-c", "echo out; echo err >&2")
    with screen.running(argv, qxub.environment, qxub.directory):
        screen.wait_for("queued")
        screen.wait_for("0:00:02 so far")
        standing = shown(screen.screen)
        assert standing[0] == "qxub: submitted as local job 2.local"
        assert standing[1].startswith("qxub: job 2.local is queued")
        assert len(standing) == 2
        busy.touch()
        assert screen.exit_status() == 0
    lines = shown(screen.screen)
    assert sorted(lines[2:4]) == ["err", "out"]
    assert [lines[0], lines[1], *lines[4:]] == [
        "qxub: submitted as local job 2.local",
        "qxub: job 2.local has started",
        "qxub: completed with exit status 0",
        "",
    ]
    assert "\x1b" not in screen.screen


def test_a_narrow_terminal_gets_one_line_all_the_same(qxub: Qxub, busy: Path) -> None:
    with terminal(columns=20) as screen:
        with screen.running(command("--", "true"), qxub.environment, qxub.directory):
            screen.wait_for("\rqxub: job 2.local i", times=2)
            busy.touch()
            assert screen.exit_status() == 0
        drawn = [
            part for part in screen.screen.split("\r") if part.startswith("qxub: job 2.local i")
        ]
        assert {len(part) for part in drawn} == {19}


def test_quiet_shows_none(qxub: Qxub, busy: Path, screen: Terminal) -> None:
    with screen.running(command("--quiet", "--", "true"), qxub.environment, qxub.directory):
        time.sleep(2)
        busy.touch()
        assert screen.exit_status() == 0
    assert screen.screen == ""


def test_elsewhere_verbose_says_it_once_in_a_plain_line(qxub: Qxub, busy: Path) -> None:
    with qxub.start("exec", "-v", "--", "echo", "out") as process:
        time.sleep(3)
        busy.touch()
        out, err = process.communicate()
    assert out == b"out\n"
    lines = [line for line in err.decode().splitlines() if "is queued" in line]
    assert 1 <= len(lines) <= 2  # the second with the scheduler's reason
    assert b"\r" not in err


def test_elsewhere_nothing_is_said(qxub: Qxub, busy: Path) -> None:
    with qxub.start("exec", "--", "echo", "out") as process:
        time.sleep(2)
        busy.touch()
        assert process.communicate() == (b"out\n", b"")


SUSPENDED = """
import threading, time
from qxub.cli.console import Console
from qxub.execution.result import RunResult
console = Console(threading.Event(), RunResult())
console.event("started", job_id="7")
console.{stream}(b"half a line")
console.event("suspended", job_id="7")
for _ in range(20):
    console.tick()
    time.sleep(0.1)
console.{stream}(b", and its end\\n")
for _ in range(20):
    console.tick()
    time.sleep(0.1)
console.event("resumed", job_id="7")
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_line_that_the_job_has_not_ended_is_left_alone(
    qxub: Qxub, screen: Terminal, stream: str
) -> None:
    argv = [sys.executable, "-c", SUSPENDED.format(stream=stream)]
    with screen.running(argv, qxub.environment, qxub.directory):
        assert screen.exit_status() == 0
    assert "half a line, and its end\r\n\rqxub: job 7 is suspended" in screen.screen
    assert shown(screen.screen) == [
        "qxub: job 7 has started",
        "half a line, and its end",
        "qxub: job 7 runs again",
        "",
    ]
