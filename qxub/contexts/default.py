"""The default context: the environment that the scheduler gives the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.contexts.context import Context, Step
from qxub.option import FLAG, Option, Part

if TYPE_CHECKING:
    from qxub.job import JobSpec


class Default(Context):
    """Nothing is changed; asked for by name where the configuration says otherwise."""

    options = (
        Option(
            ("--default",), FLAG, "Change nothing of the environment that the scheduler gives.",
            "default", Part.CONTEXT,
        ),
    )  # fmt: skip
    rank = 0

    @classmethod
    def of(cls, spec: JobSpec) -> Default | None:
        """Return it where it was asked for."""
        return cls() if spec.context.default else None

    def steps(self) -> list[Step]:
        """Return nothing to do."""
        return []
