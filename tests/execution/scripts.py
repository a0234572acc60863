"""Job scripts, run by bash as a scheduler would run them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from qxub.execution.detection import BATCH
from qxub.execution.plan import plan_run
from qxub.execution.run_directory import RunDirectory
from qxub.run import new_run_id
from qxub.scheduler.local import Local

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qxub.execution.run_directory import JobFiles
    from qxub.job import JobSpec
    from qxub.scheduler.base import Scheduler


def prepared(
    directory: Path,
    spec: JobSpec,
    run_id: str = "",
    *,
    mode: int = 0o700,
    scheduler: Scheduler | None = None,
) -> RunDirectory:
    """Record a run below `directory`, where its command will run, and write its script."""
    plan = plan_run(
        spec,
        run_id=run_id or new_run_id(),
        scheduler=scheduler or Local(BATCH),
        state=directory,
        working_directory=directory,
        directory_mode=mode,
    )
    run = RunDirectory.create(plan.directory, spec, plan.directory_mode)
    run.write_script(plan.script)
    return run


def bash(
    run: RunDirectory, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start the script in a session of its own."""
    with run.log.open("wb") as log:
        return subprocess.Popen(
            ["/bin/bash", str(run.script)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )


def ran(directory: Path, spec: JobSpec, environment: Mapping[str, str] | None = None) -> JobFiles:
    """Return what a job has left that ran to its end."""
    run = prepared(directory, spec)
    with bash(run, environment) as process:
        process.wait()
    return run.files()
