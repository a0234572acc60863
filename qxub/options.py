"""The one table of `qxub exec`'s options.

The command-line parser (cli/options), the serializer (remote/command_builder), and the `defaults.*`
keys of the configuration are all made from it, so that an option cannot be lost between them.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from qxub.job import ArrayRange, ExecutionContext, JobSpec, Resources
from qxub.quantities import format_memory, format_walltime, parse_memory, parse_walltime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, eq=False)
class Kind:
    """How the text of an option is read and written."""

    metavar: str
    parse: Callable[[str], Any]
    """raises ValueError"""
    write: Callable[[Any], str]
    many: bool = False
    """the option may be repeated: `parse` returns a list, `write` takes one of its items"""


def _parse_count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        message = f"{text!r} is not a whole number of at least 1"
        raise ValueError(message)
    return int(text)


def _split_list(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _one(text: str) -> list[str]:
    return [text]


def _parse_array(text: str) -> ArrayRange:
    match = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?(?:%(\d+))?", text, re.ASCII)
    if match is None:
        message = f"{text!r} is no range of an array; write it as 1-10, 1-10:2 or 1-10%4"
        raise ValueError(message)
    first, last, step, limit = match.groups()
    return ArrayRange(int(first), int(last), int(step or 1), None if limit is None else int(limit))


TEXT = Kind("TEXT", str, str)
PATH = Kind("PATH", str, str)
COUNT = Kind("N", _parse_count, str)
MEMORY = Kind("SIZE", parse_memory, format_memory)
WALLTIME = Kind("TIME", parse_walltime, format_walltime)
ARRAY = Kind("RANGE", _parse_array, str)
TEXTS = Kind("TEXT", _one, str, many=True)
"""may be repeated; the values add up"""
LISTS = Kind("LIST", _split_list, str, many=True)
"""may be repeated, and each may hold several between commas or blanks"""
FLAG = Kind("", bool, str)
COUNTED_FLAG = Kind("", int, str)


class Part(enum.Enum):
    """Which part of the JobSpec an option's field is in; None of them for this side's own."""

    JOB = "job"
    CONTEXT = "context"
    RESOURCES = "resources"


@dataclass(frozen=True)
class Option:
    """One option: how it is written, what it means, and where its value goes."""

    flags: tuple[str, ...]
    """the first long one is the one written when a command line is built"""
    kind: Kind
    help: str
    field: str = ""
    part: Part | None = None
    """None: it steers this side only, and does not travel"""
    config_key: str = ""
    """the key under `defaults` that speaks when the option is not given"""

    @property
    def flag(self) -> str:
        """The long form that is written when a command line is built, and named in messages."""
        return next(flag for flag in self.flags if flag.startswith("--"))

    @property
    def dest(self) -> str:
        """The key of the option's value among the parsed values."""
        return self.flag[2:].replace("-", "_")


OPTIONS = (
    Option(("--platform",), TEXT, "Run on this platform of the configuration."),
    Option(("--config",), PATH, "Read this file after the user's configuration; it wins."),
    Option(
        ("--env",), TEXT, "Activate this conda environment (name or path).",
        "environment", Part.CONTEXT,
    ),
    Option(
        ("--mod", "--module", "--mods", "--modules"), LISTS,
        'Load environment modules: one, or "a,b c". May be repeated.',
        "modules", Part.CONTEXT,
    ),
    Option(
        ("--sif", "--container"), TEXT, "Run inside this container image.",
        "container", Part.CONTEXT,
    ),
    Option(
        ("--bind",), TEXTS, "Bind SOURCE[:DESTINATION] into the container. May be repeated.",
        "binds", Part.CONTEXT,
    ),
    Option(("--default",), FLAG, "Run in the login shell's environment.", "default", Part.CONTEXT),
    Option(
        ("--queue", "-q"), TEXT, "Submit to this queue; auto lets qxub choose.",
        "queue", Part.JOB, "queue",
    ),
    Option(("--name", "-N"), TEXT, "The job's name.", "name", Part.JOB, "name"),
    Option(("--project", "-P"), TEXT, "Charge this project.", "project", Part.JOB, "project"),
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
        ("--array",), ARRAY, "Run one job for each index: 1-10, 1-10:2, 1-10%4 (4 at once).",
        "array", Part.JOB,
    ),
    Option(("--result",), PATH, "Write how the run ended to this file, as JSON."),
    Option(("--dry", "--dry-run"), FLAG, "Show what would happen; connect to nothing."),
    Option(("--terse",), FLAG, "Submit, print the job ID, and do not wait."),
    Option(("--quiet",), FLAG, "Say nothing but errors; the job's output is untouched."),
    Option(("-v", "--verbose"), COUNTED_FLAG, "Say more on stderr; -vv and -vvv say most."),
)  # fmt: skip

SPEC_OPTIONS = tuple(option for option in OPTIONS if option.part is not None)


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
        fields[option.part][option.field] = tuple(value) if option.kind.many else value
    return JobSpec(
        command=tuple(command),
        context=ExecutionContext(**fields[Part.CONTEXT]),
        resources=Resources(**fields[Part.RESOURCES]),
        **fields[Part.JOB],
    )


def _owner(spec: JobSpec, option: Option) -> object:
    return spec if option.part in (Part.JOB, None) else getattr(spec, option.part.value)


def arguments(spec: JobSpec) -> list[str]:
    """Write a JobSpec as the arguments of `qxub exec`: options, `--`, command.

    Parsing them again gives the same JobSpec.
    """
    words: list[str] = []
    for option in SPEC_OPTIONS:
        value = getattr(_owner(spec, option), option.field)
        if value in (None, False, ()):
            continue
        if option.kind is FLAG:
            words.append(option.flag)
            continue
        for one in value if option.kind.many else (value,):
            words += [option.flag, option.kind.write(one)]
    return [*words, "--", *spec.command]
