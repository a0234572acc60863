"""JobSpec → the `qxub exec …` that the cluster's qxub parses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.option import CARRIED
from qxub.options import arguments

if TYPE_CHECKING:
    from qxub.job import JobSpec


def build_command(spec: JobSpec, *, verbosity: int = 0) -> list[str]:
    """Return the argv for the far side.

    Parsed there, with `carried_variables` in the environment, it gives the same JobSpec.
    """
    verbose = [f"-{'v' * verbosity}"] if verbosity else []
    return ["qxub", "exec", *verbose, *arguments(spec)]


def carried_variables(spec: JobSpec) -> dict[str, str]:
    """Return what the far qxub must have in its environment: values that no `ps` may show."""
    return {CARRIED + name: value for name, value in spec.variables}
