"""Many runs in one directory, and file systems that do not play along."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.real.tmpfs import mounted
from tests.repetition import scaled_by

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.jobs.sites import Desk

pytestmark = pytest.mark.timeout(1200)

RUNS = scaled_by(200, "QXUB_JOBS_PERCENT")


@pytest.mark.slow
def test_many_runs_in_one_directory(desk: Desk) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as stack:
        for number in range(RUNS):
            script = f"echo run {number}; exit {number % 200}"
            words = ("--quiet", *desk.site.crowded, "--", "sh", "-c", script)
            processes.append(stack.enter_context(desk.started(*words)))
        ended = [(*process.communicate(), process.returncode) for process in processes]
    expected = [(f"run {number}\n".encode(), b"", number % 200) for number in range(RUNS)]
    assert ended == expected


def test_paths_of_the_user_s_own(desk: Desk) -> None:
    out, err = desk.work / "logs" / "a b.out", desk.work / "logs" / "deep" / "er.err"
    words = ("--out", str(out), "--err", str(err), "--", "sh", "-c", "echo o; echo e >&2; exit 6")
    ended = desk.exec("--quiet", *words)
    assert (ended.status, ended.out, ended.err) == (6, b"o\n", "e\n")
    assert (out.read_bytes(), err.read_bytes()) == (b"o\n", b"e\n")


def test_a_log_directory_with_the_job_s_name(desk: Desk) -> None:
    words = ("--name", "train", "--log-dir", str(desk.work / "logs" / "{name}"))
    ended = desk.exec("--quiet", *words, "--", "echo", "hello")
    assert (ended.status, ended.out) == (0, b"hello\n")
    assert b"hello\n" in {path.read_bytes() for path in (desk.work / "logs" / "train").iterdir()}


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[Path]:
    """A directory in which nobody can make a file; root can, unless its file system is so."""
    if sys.platform != "win32" and os.geteuid() == 0:
        with mounted(place, "ro,size=64k"):
            yield place
    else:
        place.mkdir(mode=0o500)
        yield place


def test_a_log_directory_that_is_read_only(desk: Desk, tmp_path: Path) -> None:
    with read_only(tmp_path / "logs") as logs:
        ended = desk.exec("--out", str(logs / "out"), "--", "touch", "ran")
    assert (ended.status, ended.kind) == (71, "remote setup failed")
    assert not (desk.work / "ran").exists()


def test_a_disk_that_is_full(desk: Desk, tmp_path: Path) -> None:
    """The command meets it, as it would meet it anywhere; nothing of what was written is lost."""
    script = """
import os, sys
try:
    while True:
        os.write(1, b"x" * 4096)
except OSError:
    sys.exit(9)
"""
    with mounted(tmp_path / "logs", "size=64k") as logs:
        words = ("--quiet", "--out", str(logs / "out"), "--", sys.executable, "-S", "-c", script)
        ended = desk.exec(*words)
        assert (ended.status, ended.kind) == (9, "completed")
        assert ended.out == (logs / "out").read_bytes()
        assert len(ended.out) > 32_000
