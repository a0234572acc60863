"""The one table of `qxub exec`'s options.

The command-line parser (cli/options), the serializer (remote/command_builder), and the `defaults.*`
keys of the configuration are all made from it, so that an option cannot be lost between them. The
options of execution contexts stand in the contexts' own files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qxub.contexts import CONTEXT_OPTIONS
from qxub.job import ExecutionContext, JobSpec, Resources
from qxub.option import (
    ARRAY,
    COUNT,
    COUNTED_FLAG,
    DEPENDENCIES,
    EMAIL_OPTIONS,
    FLAG,
    LINE,
    LISTS,
    LOG_PATH,
    MEMORY,
    OWN_PATH,
    PATH,
    TEXT,
    VARIABLE,
    VARIABLES,
    VOLUMES,
    WALLTIME,
    WORD,
    Kind,
    Option,
    Part,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RESOURCE_OPTIONS = (
    Option(
        ("--mem", "--memory"), MEMORY, "Memory: 8GB, 2000MB, 16g.",
        "memory", Part.RESOURCES, "mem",
    ),
    Option(("--cpus", "--threads"), COUNT, "CPU cores.", "cpus", Part.RESOURCES, "cpus"),
    Option(
        ("--runtime", "--time"), WALLTIME, "Walltime: 2h, 30m, 1h30m, 02:30:00.",
        "walltime", Part.RESOURCES, "runtime",
    ),
    Option(
        ("--disk", "--jobfs"), MEMORY, "The compute node's own disk: 50GB.",
        "disk", Part.RESOURCES, "disk",
    ),
    Option(
        ("--volumes", "--storage"), VOLUMES,
        "Shared file systems that the job needs: gdata/a56+scratch/a56.",
        "volumes", Part.RESOURCES, "volumes",
    ),
    Option(("--gpus",), COUNT, "GPUs.", "gpus", Part.RESOURCES, "gpus"),
    Option(("--gpu-type",), WORD, "The type of GPU.", "gpu_type", Part.RESOURCES),
)  # fmt: skip

RESOURCE_NAMES = {
    "mem": "mem", "memory": "mem", "ncpus": "cpus", "cpus": "cpus", "threads": "cpus",
    "walltime": "runtime", "runtime": "runtime", "time": "runtime", "jobfs": "disk", "disk": "disk",
    "storage": "volumes", "volumes": "volumes", "ngpus": "gpus", "gpus": "gpus",
    "gpu_type": "gpu_type",
}  # fmt: skip
"""what may stand in -l, and the option that it means"""


def _parse_resources(text: str) -> list[tuple[str, Any]]:
    """Return the option's `dest` and the value of each NAME=VALUE."""
    kinds = {option.dest: option.kind for option in _RESOURCE_OPTIONS}
    found = []
    for item in filter(None, map(str.strip, text.split(","))):
        name, separator, value = item.partition("=")
        dest = RESOURCE_NAMES.get(name)
        if dest is None or not separator:
            message = f"{item!r} is no resource; write NAME=VALUE ({', '.join(RESOURCE_NAMES)})"
            raise ValueError(message)
        try:
            found.append((dest, kinds[dest].parse(value)))
        except ValueError as error:
            message = f"{name}: {error}"
            raise ValueError(message) from error
    return found


RESOURCES = Kind("LIST", _parse_resources, str, many=True)

OPTIONS = (
    Option(("--platform",), TEXT, "Run on this platform of the configuration."),
    Option(("--config",), OWN_PATH, "Read this file after the user's configuration; it wins."),
    *CONTEXT_OPTIONS,
    Option(
        ("--cmd",), LINE,
        "Run this line of bash in COMMAND's place. ${NAME} is expanded at submission, ${{NAME}} is "
        "left for the job.",
        "shell_command", Part.JOB,
    ),
    Option(
        ("--pre",), LINE, "Run this line in the job's shell before the command.", "pre", Part.JOB
    ),
    Option(
        ("--post",), LINE, "Run this line of bash after the command, if that succeeded.",
        "post", Part.JOB,
    ),
    Option(
        ("--var",), VARIABLE,
        "Set a variable of the job's environment; NAME alone takes its value here. May be "
        "repeated.",
        "variables", Part.JOB,
    ),
    Option(
        ("--vars",), VARIABLES, 'Set several: "a=1,b=2". May be repeated.', "variables", Part.JOB
    ),
    Option(
        ("--execdir",), PATH, "Run the command in this directory.", "working_directory", Part.JOB
    ),
    Option(
        ("--create-execdir",), FLAG, "Make that directory where it is missing.",
        "create_working_directory", Part.JOB,
    ),
    Option(
        ("--template",), PATH, "Make the job script from this template.", "template", Part.JOB
    ),
    Option(
        ("--queue", "-q"), WORD, "Submit to this queue; auto leaves the choice to the scheduler.",
        "queue", Part.JOB, "queue",
    ),
    Option(("--name", "-N"), TEXT, "The job's name.", "name", Part.JOB, "name"),
    Option(("--project", "-P"), WORD, "Charge this project.", "project", Part.JOB, "project"),
    *_RESOURCE_OPTIONS,
    Option(
        ("--resources", "-l"), RESOURCES,
        "Resources by the scheduler's names: mem=8GB,ncpus=4. An option of its own wins. May be "
        "repeated.",
        config_key="resources",
    ),
    Option(
        ("--internet",), FLAG, "The job needs to reach the Internet.", "internet", Part.RESOURCES
    ),
    Option(
        ("--array",), ARRAY, "Run one job for each index: 1-10, 1-10:2, 1-10%4 (4 at once).",
        "array", Part.JOB,
    ),
    Option(
        ("--depend",), DEPENDENCIES,
        "Wait for another job: after, afterok, afternotok or afterany, a colon, its ID. May be "
        "repeated.",
        "dependencies", Part.JOB,
    ),
    Option(("--hold",), FLAG, "Submit on hold, until it is released.", "hold", Part.JOB),
    Option(("--email",), WORD, "Where the scheduler writes to.", "email", Part.JOB, "email"),
    Option(
        ("--email-opts",), EMAIL_OPTIONS, "When it writes: a (aborted), b (begun), e (ended).",
        "email_options", Part.JOB, "email_opts",
    ),
    Option(
        ("--out",), LOG_PATH, "Write the job's stdout to this file.", "stdout", Part.JOB, "out"
    ),
    Option(
        ("--err",), LOG_PATH, "Write the job's stderr to this file.", "stderr", Part.JOB, "err"
    ),
    Option(
        ("--log-dir",), LOG_PATH, "Write the job's stdout and stderr to files in this directory.",
        "log_directory", Part.JOB, "log_dir",
    ),
    Option(
        ("--tag", "--tags"), LISTS, 'Words to find the run by: one, or "a,b c". May be repeated.',
        "tags", Part.JOB,
    ),
    Option(("--result",), OWN_PATH, "Write how the run ended to this file, as JSON."),
    Option(("--dry", "--dry-run"), FLAG, "Show what would happen; connect to nothing."),
    Option(("--terse",), FLAG, "Submit, print the job ID, and do not wait."),
    Option(("--quiet",), FLAG, "Say nothing but errors; the job's output is untouched."),
    Option(("-v", "--verbose"), COUNTED_FLAG, "Say more on stderr; -vv and -vvv say most."),
)  # fmt: skip

SPEC_OPTIONS = tuple(option for option in OPTIONS if option.part is not None)


def with_resources(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with those of --resources in the places of the options that they mean.

    An option that was given itself speaks first, and of --resources the last word on a name.
    """
    listed = dict(values.get("resources", ()))
    return {**listed, **{dest: value for dest, value in values.items() if dest != "resources"}}


def job_spec(values: Mapping[str, Any], command: Sequence[str]) -> JobSpec:
    """Make the JobSpec from parsed option values, keyed by `Option.dest`.

    A missing key and None both mean that the option was not given. Raises ValueError when options
    contradict each other.
    """
    fields: dict[Part | None, dict[str, Any]] = {part: {} for part in Part}
    for option in SPEC_OPTIONS:
        value = values.get(option.dest)
        if value is None:
            continue
        part = fields[option.part]
        if option.kind.many:  # --var and --vars have one field
            value = (*part.get(option.field, ()), *value)
        part[option.field] = value
    added = tuple(fields[Part.ADDED_CONTEXT].items())
    return JobSpec(
        command=tuple(command),
        context=ExecutionContext(**fields[Part.CONTEXT], added=added),
        resources=Resources(**fields[Part.RESOURCES]),
        **fields[Part.JOB],
    )


def _value(spec: JobSpec, option: Option) -> Any:  # noqa: ANN401 - as its kind has it
    if option.part is Part.ADDED_CONTEXT:
        return dict(spec.context.added).get(option.field)
    owners = {Part.CONTEXT: spec.context, Part.RESOURCES: spec.resources}
    return getattr(owners.get(option.part, spec), option.field)  # type: ignore[arg-type]


def arguments(spec: JobSpec) -> list[str]:
    """Write a JobSpec as the arguments of `qxub exec`: options, `--`, command.

    Parsing them again gives the same JobSpec. Of variables only the names are in it: their values
    must be in the environment where that is done (`qxub.option.CARRIED`), as no command line is
    private.
    """
    words: list[str] = []
    written = set()
    for option in SPEC_OPTIONS:
        value = _value(spec, option)
        if value in (None, False, ()) or (option.part, option.field) in written:
            continue
        written.add((option.part, option.field))
        if option.kind is FLAG:
            words.append(option.flag)
            continue
        for one in value if option.kind.many else (value,):
            words += [option.flag, option.kind.write(one)]
    return [*words, "--", *spec.command]
