"""A conda environment: conda, mamba or micromamba, whichever is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.contexts.context import Context, Step
from qxub.option import TEXT, Option, Part
from qxub.shell_words import quote

if TYPE_CHECKING:
    from qxub.job import JobSpec

# A module may have put conda on PATH, and the variables may come from the shell that submitted: so
# PATH is asked before the usual places, which are those of the installers.
_FIND = r"""
qxub_find_conda() {
  local place
  for place in "${CONDA_EXE:-}" "${MAMBA_EXE:-}" \
    "$(type -P conda)" "$(type -P mamba)" "$(type -P micromamba)" \
    {"$HOME",/opt,/usr/local}/{miniforge3,mambaforge,miniconda3,anaconda3,conda}/bin/conda \
    "$HOME"/{.local/bin,bin,micromamba/bin}/micromamba /usr/local/bin/micromamba; do
    if [ -f "$place" ] && [ -x "$place" ]; then
      qxub_conda=$place
      return
    fi
  done
  echo 'No conda, mamba or micromamba in CONDA_EXE, MAMBA_EXE, on PATH or in the usual places.'
  return 1
}
"""

# mamba 1 knows conda's hook only, and has conda beside it; mamba 2 and micromamba have their own.
_ACTIVATE = r"""
qxub_activate() {
  local hook name=${qxub_conda##*/}
  case $name in
    conda) hook=$("$qxub_conda" shell.bash hook) || return ;;
    *) hook=$("$qxub_conda" shell hook --shell bash) || return ;;
  esac
  eval "$hook"  # its last command may well fail: what follows tells
  "$name" activate "$1" || { "$qxub_conda" env list; return 1; }
}
"""


class Conda(Context):
    """A conda environment, by name or path."""

    options = (
        Option(
            ("--env",), TEXT, "Activate this conda environment (name or path).",
            "environment", Part.CONTEXT,
        ),
    )  # fmt: skip
    rank = 20

    def __init__(self, environment: str) -> None:
        self._environment = environment

    @classmethod
    def of(cls, spec: JobSpec) -> Conda | None:
        """Return the environment that the job asks for."""
        environment = spec.context.environment
        return None if environment is None else cls(environment)

    def steps(self) -> list[Step]:
        """Find the program, then activate by its hook for bash; else tell which there are."""
        name = self._environment
        functions = (_FIND + _ACTIVATE).strip()
        lines = [*functions.splitlines(), f"qxub_find_conda && qxub_activate {quote(name)}"]
        return [Step(f"activating the conda environment {name}", lines)]
