"""JobSpec → plan: the job script and the submission, all decided and nothing done."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.errors import UsageError
from qxub.execution.job_script import Surroundings, script_parts
from qxub.execution.logs import log_files
from qxub.execution.run_directory import PRIVATE, RunDirectory
from qxub.execution.template import PLAIN, fill_template, read_template
from qxub.execution.user_paths import user_path
from qxub.execution.variables import RunVariables
from qxub.placeholders import expand_variables
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
    directory_mode: int = PRIVATE


def plan_run(
    spec: JobSpec,
    *,
    run_id: str,
    scheduler: Scheduler,
    state: Path,
    working_directory: Path,
    directory_mode: int = PRIVATE,
) -> Plan:
    """Decide the job script and the submission of a run; `state` is the state directory.

    Raises UsageError for a variable that has no value here, and ConfigError for a template that
    cannot be filled, with file and line.
    """
    run = RunDirectory(state / "runs" / run_id)
    submission = Submission(spec, run_id, _job_name(spec), run.script, run.log)
    variables = RunVariables(spec, run_id, submission.name)
    around = Surroundings(
        directives=scheduler.directives(submission),
        index_variable=scheduler.index_variable,
        job_id_variable=scheduler.job_id_variable,
        directory=run.path,
        working_directory=user_path(spec.working_directory or "", working_directory),
        shell_command=_shell_command(spec),
        logs=log_files(variables, working_directory),
        mode=directory_mode,
    )
    path = None if spec.template is None else user_path(spec.template, working_directory)
    template = PLAIN if path is None else read_template(path)
    text = fill_template(template, script_parts(spec, around), variables.value)
    return Plan(spec, scheduler, submission, os.fsencode(text), run.path, directory_mode)


def _shell_command(spec: JobSpec) -> str | None:
    if spec.shell_command is None:
        return None
    try:
        return expand_variables(spec.shell_command, os.environ)
    except ValueError as error:
        message = f"--cmd: {error}"
        raise UsageError(message) from error


def _job_name(spec: JobSpec) -> str:
    """Return a name that PBS Pro and Slurm take: qsub(1B) -N is the stricter one."""
    command = spec.command or (spec.shell_command or "").split()
    wanted = spec.name or Path(*command[:1]).name
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", wanted)[:200].lstrip("-") or "qxub"
