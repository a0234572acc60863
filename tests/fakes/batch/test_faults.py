"""What can go wrong at a site can be switched on in the fake."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes.batch.harness import COMMANDS

if TYPE_CHECKING:
    from tests.fakes.batch.harness import FakePbs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake batch system needs POSIX")


def hangs(pbs: FakePbs, *argv: str) -> bool:
    """Return whether the command is still running after a second; it is ended then."""
    command = [sys.executable, str(COMMANDS / argv[0]), *argv[1:]]
    try:
        subprocess.run(
            command, env=pbs.environment, cwd=pbs.directory, timeout=1, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        return True
    return False


@pytest.mark.parametrize("command", ["qstat -fFjson 1", "qdel 1", "qselect", "qsub job.sh"])
def test_a_frozen_server_lets_the_commands_hang(pbs: FakePbs, command: str) -> None:
    pbs.write("job.sh", "#!/bin/bash\n")
    pbs.switch("frozen")
    assert hangs(pbs, *command.split())
    (pbs.state / "frozen").unlink()
    assert pbs.call("qselect", "-x") == ("", "", 0)  # nor was there a job


def test_a_qsub_that_hangs_when_the_job_is_in(pbs: FakePbs) -> None:
    """As 51-frozen-qsub-background: the job of the abandoned qsub exists."""
    pbs.write("job.sh", "#!/bin/bash\nsleep 60\n")
    pbs.switch("lost")
    assert hangs(pbs, "qsub", "-N", "abandoned", "job.sh")
    assert pbs.call("qselect", "-N", "abandoned") == ("1.pbshost\n", "", 0)


def test_a_slow_server(pbs: FakePbs) -> None:
    pbs.switch("slow", "1.5")
    start = time.monotonic()
    assert pbs.call("qselect") == ("", "", 0)
    assert time.monotonic() - start >= 1.5


def test_a_site_that_refuses(pbs: FakePbs) -> None:
    pbs.write("job.sh", "#!/bin/bash\n")
    pbs.switch("refuse", "188 would exceed queue generic's per-user limit")
    words = "qsub: would exceed queue generic's per-user limit\n"
    assert pbs.call("qsub", "job.sh") == ("", words, 188)


def test_a_torn_answer(pbs: FakePbs) -> None:
    job_id = pbs.submit("sleep 60")
    pbs.switch("torn", "150")
    stdout, stderr, status = pbs.call("qstat", "-f", "-F", "json", job_id)
    assert (len(stdout), stderr, status) == (150, "", 0)
