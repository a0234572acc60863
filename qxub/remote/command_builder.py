"""JobSpec → the `qxub exec …` that the cluster's qxub parses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.options import arguments

if TYPE_CHECKING:
    from qxub.job import JobSpec


def build_command(spec: JobSpec, *, verbosity: int = 0) -> list[str]:
    """Return the argv for the far side; parsing it there gives the same JobSpec."""
    verbose = [f"-{'v' * verbosity}"] if verbosity else []
    return ["qxub", "exec", *verbose, *arguments(spec)]
