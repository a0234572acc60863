"""Arrays, holds and suspensions on a real Slurm, as who follows them sees them."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

from tests.execution.test_slurm_follow import site
from tests.posix import runs_jobs
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from tests.execution.test_slurm_follow import Site

pytestmark = runs_jobs
__all__ = ["site"]  # a fixture


def job_id(site: Site) -> str:
    (run,) = site.runs.iterdir()
    return (run / "job_id").read_text().strip()


def wait_for_line(process: subprocess.Popen[bytes], pattern: bytes) -> None:
    assert process.stderr is not None
    said = b""
    while line := process.stderr.readline():
        said += line
        if re.search(pattern, line):
            return
    raise AssertionError(said)


def test_members_by_index_and_the_worst_outcome(site: Site) -> None:
    script = 'echo "out $QXUB_ARRAY_INDEX"; echo "err $QXUB_ARRAY_INDEX" >&2; '
    script += "case $QXUB_ARRAY_INDEX in 3) exit 4;; 5) kill -9 $$;; esac"
    words = ("--array", "1-7:2", "--result", "result.json", "--", "sh", "-c", script)
    done = site("exec", *words)
    assert done.returncode == 137
    assert done.stdout == b"out 1\nout 3\nout 5\nout 7\n"
    assert done.stderr.decode().splitlines() == [
        *(f"err {index}" for index in (1, 3, 5, 7)),
        "qxub: the members of the array:",
        "  completed with exit status 0  1, 7",
        "  completed with exit status 4  3",
        "  ended by signal 9             5",
    ]
    found = site.result()
    assert (found["kind"], found["signal"]) == ("signalled", 9)
    members = {member["index"]: member["exit_status"] for member in found["members"]}
    assert members == {1: 0, 3: 4, 5: 137, 7: 0}


def test_a_cancelled_array_and_its_members_that_never_started(site: Site) -> None:
    script = "touch started.$QXUB_ARRAY_INDEX; exec sleep 600"
    words = ("exec", "--array", "1-40%1", "--result", "result.json", "--", "sh", "-c", script)
    with site.start(*words) as process:
        wait_until((site.directory / "started.1").exists)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    found = site.result()
    assert {member["kind"] for member in found["members"]} == {"cancelled"}
    assert len(found["members"]) == 40
    assert sorted(path.name for path in site.directory.glob("started.*")) == ["started.1"]


def test_a_held_job_is_told_as_held_until_it_is_released(site: Site) -> None:
    with site.start("exec", "-v", "--hold", "--", "echo", "out") as process:
        wait_for_line(process, rb"job \d+ is held")
        site.slurm.run("scontrol", "release", job_id(site))
        out, _ = process.communicate()
    assert (process.returncode, out) == (0, b"out\n")


def test_a_suspended_job_is_told_and_goes_on(site: Site) -> None:
    script = "touch started; while [ ! -e go ]; do sleep 0.1; done"
    with site.start("exec", "-v", "--", "sh", "-c", script) as process:
        wait_until((site.directory / "started").exists)
        assert site.slurm.run("scontrol", "suspend", job_id(site)).returncode == 0
        wait_for_line(process, rb"job \d+ is suspended")
        assert site.slurm.run("scontrol", "resume", job_id(site)).returncode == 0
        wait_for_line(process, rb"job \d+ runs again")
        (site.directory / "go").touch()
        process.communicate()
    assert process.returncode == 0


def test_a_dependency_that_is_waited_for_is_told(site: Site) -> None:
    script = "touch started; while [ ! -e go ]; do sleep 0.1; done"
    first = site("exec", "--terse", "--", "sh", "-c", script).stdout.decode().strip()
    words = ("exec", "-v", "--depend", f"afterok:{first}", "--", "echo", "out")
    with site.start(*words) as process:
        wait_for_line(process, rb"\(Dependency\)")
        os.close(os.open(site.directory / "go", os.O_CREAT))
        out, _ = process.communicate()
    assert (process.returncode, out) == (0, b"out\n")
