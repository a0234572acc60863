"""JobSpec → job script.

The script needs only bash and a few coreutils on the compute node. It quotes everything, keeps the
job's own bytes apart from anything that qxub or the scheduler says, lets signals through to the
command, and writes the status file, whole and renamed, in every ending that a shell can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.contexts import Step, contexts
from qxub.execution import script_text as text
from qxub.shell_words import quote

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qxub.execution.logs import LogFiles
    from qxub.job import JobSpec


@dataclass(frozen=True)
class ScriptParts:
    """The three parts of a job script, which a template puts into its own order of things."""

    directives: str
    steps: str
    """from the first line that runs to the command"""
    command: str
    """the command, what is after it, and the status file"""


@dataclass(frozen=True)
class Surroundings:
    """What a job script must know besides the job."""

    directives: Sequence[str]
    """the scheduler's lines"""
    index_variable: str
    """the variable of the job's environment that holds the index of an array's member"""
    job_id_variable: str
    """the one that holds the job's ID"""
    directory: Path
    """the run's"""
    working_directory: Path
    """where the command runs"""
    shell_command: str | None = None
    """the line for bash in the command's place, expanded"""
    logs: LogFiles | None = None
    """the user's own files for the streams"""
    mode: int = 0o700
    """of the run directory"""


def script_parts(spec: JobSpec, around: Surroundings) -> ScriptParts:
    """Return the parts of the job script.

    Once the text is written by os.fsencode, arguments arrive in the command byte for byte, as POSIX
    handed them to qxub.
    """
    used = contexts(spec)
    prefix = [word for context in used for word in context.prefix()]
    steps = [*_first_steps(spec, around)]
    steps += [step for context in used for step in context.steps()]
    if spec.variables and used:  # what a context has changed, the user has said
        steps.append(_variables(around))
    argv = spec.command if around.shell_command is None else ("bash", "-c", around.shell_command)
    return ScriptParts(
        directives="".join(f"{line}\n" for line in around.directives),
        steps=_head(spec, around) + "".join(map(_step, steps)) + _users_lines(spec),
        command=text.COMMAND.format(words=" ".join([*prefix, *map(quote, argv)]))
        + (text.POST.format(line=quote(spec.post)) if spec.post is not None else "")
        + text.END,
    )


def _head(spec: JobSpec, around: Surroundings) -> str:
    member = text.MEMBER.format(variable=around.index_variable) if spec.array else text.NO_MEMBER
    return text.HEAD.format(
        directory=quote(str(around.directory)),
        member=member,
        umask=f"{~around.mode & 0o777:03o}",
        others=text.OTHER_SIGNALS,
    )


def _first_steps(spec: JobSpec, around: Surroundings) -> list[Step]:
    steps = []
    if around.logs is not None:
        lines = around.logs.lines(around.job_id_variable)
        steps.append(Step("opening the log files", lines))
    target = quote(str(around.working_directory))
    if spec.create_working_directory:
        steps.append(Step("making the working directory", [f"mkdir -p -- {target}"]))
    steps.append(Step("entering the working directory", [f"cd -- {target}"]))
    if spec.variables:
        steps.append(_variables(around))
    return steps


def _variables(around: Surroundings) -> Step:
    file = quote(str(around.directory / "environment"))
    return Step("setting the variables", [f". {file}"])


def _step(step: Step) -> str:
    purpose = " ".join(step.purpose.split())
    return text.STEP.format(comment=purpose, purpose=quote(purpose), lines="\n".join(step.lines))


def _users_lines(spec: JobSpec) -> str:
    pre = "" if spec.pre is None else text.PRE.format(line=quote(spec.pre))
    return pre if spec.template is None else pre + text.BETWEEN
