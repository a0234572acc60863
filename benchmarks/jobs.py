"""What qxub adds to a job of Slurm's: to its submission, and to the time until its end is known."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.measure import LeftOutError, Work
from qxub.execution.detection import find_scheduler
from qxub.execution.plan import plan_run
from qxub.execution.submit import submit
from qxub.job import JobSpec
from qxub.run import new_run_id
from tests.real.slurm import obstacle, running_slurm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBMISSIONS = 200
LAST_BYTE = "sleep 1; printf %s $(date +%s.%N)"
"""a job that is followed for a while, and whose last bytes tell when it wrote them"""


@contextlib.contextmanager
def slurm_here(directory: Path) -> Iterator[None]:
    """Run a Slurm that this process's children find. Raises LeftOutError where there is none."""
    if obstacle():
        raise LeftOutError(f"no Slurm: {obstacle()}")
    before = os.environ.get("SLURM_CONF")
    with running_slurm(directory / "slurm") as slurm:
        os.environ.update(slurm.env)
        try:
            yield
        finally:
            del os.environ["SLURM_CONF"]
            if before is not None:
                os.environ["SLURM_CONF"] = before


@contextlib.contextmanager
def submitting(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare 200 runs, recorded and submitted one after the other, with 200 calls of sbatch.

    All jobs are on hold, so that none runs meanwhile.
    """
    script = directory / "job.sh"
    script.write_text("#!/bin/bash\ntrue\n")
    scheduler = find_scheduler("slurm")

    def ours() -> None:
        for _ in range(SUBMISSIONS):
            plan = plan_run(
                JobSpec(("true",), hold=True),
                run_id=new_run_id(),
                scheduler=scheduler,
                state=directory / "state",
                working_directory=directory,
            )
            submit(plan)

    def theirs() -> None:
        argv = ["sbatch", "--parsable", "--hold", "--output=/dev/null", str(script)]
        for _ in range(SUBMISSIONS):
            subprocess.run(argv, stdout=subprocess.PIPE, check=True)

    with slurm_here(directory):
        yield ours, theirs


@contextlib.contextmanager
def ending(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the time from a job's last byte to the exit of `qxub exec` with `sbatch --wait`."""
    environment = {
        "XDG_STATE_HOME": str(directory / "state"),
        "XDG_CONFIG_HOME": str(directory / "config"),
    }
    output = directory / "output"

    def ours() -> float:
        argv = [sys.executable, "-m", "qxub", "exec", "--", "sh", "-c", LAST_BYTE]
        done = subprocess.run(
            argv, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True
        )
        return time.time() - float(done.stdout)

    def theirs() -> float:
        argv = ["sbatch", "--wait", f"--output={output}", f"--wrap={LAST_BYTE}"]
        subprocess.run(argv, stdout=subprocess.PIPE, check=True)
        return time.time() - float(output.read_text())

    with slurm_here(directory):
        yield ours, theirs
