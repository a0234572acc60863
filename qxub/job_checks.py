"""What the texts in a job must look like. Each check raises ValueError with the accepted form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CONDITIONS = {
    "after": "the start",
    "afterok": "the success",
    "afternotok": "the failure",
    "afterany": "the end",
}
"""of a dependency, in words that PBS Pro and Slurm share, and what of the other job each awaits"""
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""of the environment: what a shell can export (POSIX.1-2017, XBD 3.235)"""


def check_not_empty(text: str) -> str:
    """Return a text that has something in it; an empty one is mostly a variable that is not set."""
    if not text:
        message = "the value is empty; perhaps it is a variable of the shell's that is not set"
        raise ValueError(message)
    return text


def check_word(text: str) -> str:
    """Return a text that stands as it is in a directive, which ends with its line."""
    if len(check_not_empty(text).split()) != 1 or not text.isprintable():
        message = f"{text!r} holds blanks or control characters; write it as one word"
        raise ValueError(message)
    return text


def check_volumes(volumes: Iterable[str]) -> None:
    """Refuse what could not be written between plus signs."""
    for volume in volumes:
        if not volume or re.search(r"[\s,+]", volume):
            message = f"{volume!r} is not a volume; write them as gdata/a56+scratch/a56"
            raise ValueError(message)


def check_modules(modules: Iterable[str]) -> None:
    """Refuse what could not be written in a list."""
    for module in modules:
        if not module or "," in module or len(module.split()) != 1:
            message = f"{module!r} is not the name of a module"
            raise ValueError(message)


def check_variables(variables: Iterable[tuple[str, str]]) -> None:
    """Refuse names that no shell can export, and a name that is given twice."""
    seen = set()
    for name, _ in variables:
        if not VARIABLE_NAME.fullmatch(name):
            message = f"{name!r} cannot be the name of a variable of the environment"
            raise ValueError(message)
        if name in seen:
            message = f"the variable {name} is given twice"
            raise ValueError(message)
        seen.add(name)


def check_dependencies(dependencies: Iterable[str]) -> None:
    """Refuse what is no CONDITION:JOB_ID."""
    for text in dependencies:
        condition, _, job_id = text.partition(":")
        if condition not in CONDITIONS or not job_id or re.search(r"[\s,]", job_id):
            words = ", ".join(CONDITIONS)
            message = f"{text!r} is no dependency; write CONDITION:JOB_ID, with one of {words}"
            raise ValueError(message)


def check_email_options(letters: str | None) -> None:
    """Refuse what is no letters of qsub(1B) -m."""
    if letters is not None and not re.fullmatch("[abe]+", letters):
        message = f"{letters!r}: write the letters a (aborted), b (begun), e (ended)"
        raise ValueError(message)
