"""What an option of `qxub exec` is, and how the text of one is read and written."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from typing import Any, Callable

from qxub.job import ArrayRange
from qxub.job_checks import (
    VARIABLE_NAME,
    check_dependencies,
    check_email_options,
    check_not_empty,
    check_volumes,
    check_word,
)
from qxub.placeholders import check_placeholders
from qxub.quantities import format_memory, format_walltime, parse_memory, parse_walltime

LOG_VARIABLES = (
    "user", "project", "name", "queue", "timestamp", "date", "time", "run_id", "job_id", "index",
)  # fmt: skip
"""what may stand in --out, --err and --log-dir"""
CARRIED = "QXUB_VAR_"
"""before the name of a variable that comes from the laptop in qxub's own environment"""


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


def _parse_memory(text: str) -> int:
    if text.strip().isdigit():
        message = f"{text!r} has no unit: PBS Pro counts bytes, Slurm MB; write 8GB or 2000MB"
        raise ValueError(message)
    return parse_memory(text)


def _split_list(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _parse_one(text: str) -> list[str]:
    return [check_not_empty(text)]


def _parse_volumes(text: str) -> list[str]:
    volumes = text.split("+")
    check_volumes(volumes)
    return volumes


def _parse_dependency(text: str) -> list[str]:
    check_dependencies([text])
    return [text]


def _parse_email_options(text: str) -> str:
    check_email_options(text)
    return text


def _parse_own_path(text: str) -> str:
    return os.path.expanduser(check_not_empty(text))  # noqa: PTH111 - an unknown ~user is a name


def _parse_variable(text: str) -> list[tuple[str, str]]:
    name, separator, value = text.partition("=")
    if not VARIABLE_NAME.fullmatch(name):
        message = f"{text!r} is no variable; write NAME=VALUE, or NAME for what it is here"
        raise ValueError(message)
    if separator:
        return [(name, value)]
    here = os.environ.get(CARRIED + name, os.environ.get(name))
    if here is None:
        message = f"the variable {name} is not set here; write {name}=VALUE"
        raise ValueError(message)
    return [(name, here)]


def _parse_variables(text: str) -> list[tuple[str, str]]:
    items = filter(None, map(str.lstrip, text.split(",")))
    return [pair for item in items for pair in _parse_variable(item)]


def _write_variable(pair: tuple[str, str]) -> str:
    return pair[0]  # the value goes another way: see remote/command_builder


def _parse_array(text: str) -> ArrayRange:
    rest, limit_sign, limit = text.partition("%")
    rest, step_sign, step = rest.partition(":")
    numbers = [*rest.split("-"), step if step_sign else "1", limit if limit_sign else "1"]
    if len(numbers) != 4 or not all(number.isascii() and number.isdigit() for number in numbers):
        message = f"{text!r} is no range of an array; write one, as 1-10, 1-10:2 or 1-10%4"
        raise ValueError(message)
    first, last, stride, most = map(int, numbers)
    return ArrayRange(first, last, stride, most if limit_sign else None)


def _parse_log_path(text: str) -> str:
    return check_placeholders(check_not_empty(text), LOG_VARIABLES)


TEXT = Kind("TEXT", check_not_empty, str)
LINE = Kind("TEXT", str, str)
"""of a shell, which may be empty"""
WORD = Kind("TEXT", check_word, str)
PATH = Kind("PATH", check_not_empty, str)
OWN_PATH = Kind("PATH", _parse_own_path, str)
"""on the machine where qxub is called, and so with that one's ~"""
COUNT = Kind("N", _parse_count, str)
MEMORY = Kind("SIZE", _parse_memory, format_memory)
WALLTIME = Kind("TIME", parse_walltime, format_walltime)
TEXTS = Kind("TEXT", _parse_one, str, many=True)
"""may be repeated; the values add up"""
LISTS = Kind("LIST", _split_list, str, many=True)
"""may be repeated, and each may hold several between commas or blanks"""
VOLUMES = Kind("VOLUMES", _parse_volumes, str, many=True)
"""may be repeated, and each may hold several between plus signs"""
DEPENDENCIES = Kind("TEXT", _parse_dependency, str, many=True)
EMAIL_OPTIONS = Kind("TEXT", _parse_email_options, str)
VARIABLE = Kind("NAME=VALUE", _parse_variable, _write_variable, many=True)
VARIABLES = Kind("LIST", _parse_variables, _write_variable, many=True)
ARRAY = Kind("RANGE", _parse_array, str)
LOG_PATH = Kind("PATH", _parse_log_path, str)
FLAG = Kind("", bool, str)
COUNTED_FLAG = Kind("", int, str)


class Part(enum.Enum):
    """Which part of the JobSpec an option's field is in; None of them for this side's own."""

    JOB = "job"
    CONTEXT = "context"
    ADDED_CONTEXT = "added context"
    """a context that ExecutionContext has no field for: its text is kept under `field`"""
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
