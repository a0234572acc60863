"""A container image, run by apptainer or singularity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.contexts.context import Context, Step
from qxub.option import TEXT, TEXTS, Option, Part
from qxub.shell_words import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.job import JobSpec

_FIND = r"""
qxub_runtime=$(type -P apptainer || type -P singularity) ||
  { echo 'Neither apptainer nor singularity is on PATH.'; false; }
"""

# The image's own environment would win over the job's, but for these variables. Each runtime has
# its own, and warns of the other's. (Apptainer User Guide, "Environment and Metadata")
_HAND_VARIABLES_IN = r"""
case ${{qxub_runtime##*/}} in
  apptainer) qxub_mark=APPTAINERENV ;;
  *) qxub_mark=SINGULARITYENV ;;
esac
for qxub_name in {names}; do
  export "${{qxub_mark}}_$qxub_name=${{!qxub_name}}"
done
"""


class Container(Context):
    """A container image and what it sees of the host."""

    options = (
        Option(
            ("--sif", "--container"), TEXT, "Run inside this container image.",
            "container", Part.CONTEXT,
        ),
        Option(
            ("--bind",), TEXTS, "Bind SOURCE[:DESTINATION] into the container. May be repeated.",
            "binds", Part.CONTEXT,
        ),
    )  # fmt: skip
    rank = 90

    def __init__(
        self, image: str, binds: Sequence[str], variables: Sequence[str], *, has_gpus: bool
    ) -> None:
        self._image = image
        self._binds = binds
        self._variables = variables
        self._has_gpus = has_gpus

    @classmethod
    def of(cls, spec: JobSpec) -> Container | None:
        """Return the container that the job asks for, with its GPUs and variables."""
        image, binds = spec.context.container, spec.context.binds
        if image is None:
            return None
        names = [name for name, _ in spec.variables]
        return cls(image, binds, names, has_gpus=spec.resources.gpus is not None)

    def steps(self) -> list[Step]:
        """Find the program that runs it, and hand the job's variables in."""
        steps = [Step("finding apptainer or singularity", _FIND.strip().splitlines())]
        if self._variables:
            lines = _HAND_VARIABLES_IN.format(names=" ".join(self._variables)).strip().splitlines()
            steps.append(Step("handing the variables to the container", lines))
        if self._has_gpus:  # by AMD's driver, else NVIDIA's
            lines = ["if [ -e /dev/kfd ]; then qxub_gpus=--rocm; else qxub_gpus=--nv; fi"]
            steps.append(Step("choosing the container's GPUs", lines))
        return steps

    def prefix(self) -> list[str]:
        """Return the call of the runtime."""
        gpus = ['"$qxub_gpus"'] if self._has_gpus else []
        binds = [word for bind in self._binds for word in ("--bind", quote(bind))]
        return ['"$qxub_runtime"', "exec", *gpus, *binds, quote(self._image)]
