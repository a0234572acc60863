"""JobSpec → plan: the job script and the submission, all decided and nothing done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.execution.job_script import job_script
from qxub.execution.run_directory import RunDirectory
from qxub.scheduler.base import Scheduler, Submission

if TYPE_CHECKING:
    from qxub.job import JobSpec


@dataclass(frozen=True)
class Plan:
    """What a run would do: all of it decided, nothing of it done."""

    spec: JobSpec
    scheduler: Scheduler
    submission: Submission
    script: bytes
    directory: Path


def plan_run(
    spec: JobSpec, *, run_id: str, scheduler: Scheduler, state: Path, working_directory: Path
) -> Plan:
    """Decide the job script and the submission of a run; `state` is the state directory."""
    run = RunDirectory(state / "runs" / run_id)
    submission = Submission(spec, run_id, _job_name(spec), run.script, run.log)
    script = job_script(
        spec,
        directives=scheduler.directives(submission),
        directory=run.path,
        working_directory=working_directory,
    )
    return Plan(spec, scheduler, submission, script, run.path)


def _job_name(spec: JobSpec) -> str:
    """Return a name that PBS Pro and Slurm take: qsub(1B) -N is the stricter one."""
    wanted = spec.name or Path(spec.command[0]).name
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", wanted)[:200].lstrip("-") or "qxub"
