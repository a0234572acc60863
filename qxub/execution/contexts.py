"""Execution contexts: what each contributes to the job script and before the command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.job import ExecutionContext


class Step(NamedTuple):
    """Lines of the job script that come before the command; a failure names `purpose`."""

    purpose: str
    lines: Sequence[str]


class Context(Protocol):
    """One kind of surroundings."""

    def steps(self) -> list[Step]:
        """Return what must be done before the command."""

    def prefix(self) -> list[str]:
        """Return shell words, already quoted, that stand before the command."""


class Modules:
    """Environment modules: Lmod, or the Tcl ones."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def steps(self) -> list[Step]:
        """Make `module` known where the shell has not, then load each."""
        initialise = [
            "if ! type module >/dev/null 2>&1; then",
            '  for init in "${MODULESHOME:-/usr/share/modules}/init/bash" \\',
            "    /etc/profile.d/modules.sh /etc/profile.d/lmod.sh; do",
            '    [ ! -r "$init" ] || { . "$init"; break; }',
            "  done",
            "fi",
        ]
        load = [f"module load {shlex.quote(name)}" for name in self._names]
        return [
            Step("making the command module known", [*initialise, "type module >/dev/null"]),
            Step(f"loading the modules {', '.join(self._names)}", [" && ".join(load)]),
        ]

    def prefix(self) -> list[str]:
        """Return nothing: modules have changed the environment."""
        return []


class Conda:
    """A conda environment, by name or path."""

    def __init__(self, environment: str) -> None:
        self._environment = environment

    def steps(self) -> list[Step]:
        """Activate it by the shell hook of whichever of conda, mamba, micromamba is there."""
        name = shlex.quote(self._environment)
        return [
            Step(
                f"activating the conda environment {self._environment}",
                [
                    'for tool in "${CONDA_EXE:-conda}" mamba micromamba; do',
                    '  type "$tool" >/dev/null 2>&1 && break',
                    "done",
                    'case "${tool##*/}" in',
                    '  micromamba) hook=$("$tool" shell hook --shell bash) ;;',
                    '  *) hook=$("$tool" shell.bash hook) ;;',
                    "esac",
                    f'[ -n "$hook" ] && eval "$hook" && "${{tool##*/}}" activate {name}',
                ],
            )
        ]

    def prefix(self) -> list[str]:
        """Return nothing: activation has changed PATH."""
        return []


class Container:
    """A container image, run by apptainer or singularity."""

    def __init__(self, image: str, binds: Sequence[str]) -> None:
        self._image = image
        self._binds = binds

    def steps(self) -> list[Step]:
        """Find the program that runs it."""
        lines = ["runtime=$(command -v apptainer || command -v singularity)"]
        return [Step("finding apptainer or singularity", lines)]

    def prefix(self) -> list[str]:
        """Return the call of the runtime."""
        binds = [word for bind in self._binds for word in ("--bind", shlex.quote(bind))]
        return ['"$runtime"', "exec", *binds, shlex.quote(self._image)]


def contexts(context: ExecutionContext) -> list[Context]:
    """Return the contexts of a job, outermost first: modules before conda and containers."""
    found: list[Context] = []
    if context.modules:
        found.append(Modules(context.modules))
    if context.environment is not None:
        found.append(Conda(context.environment))
    if context.container is not None:
        found.append(Container(context.container, context.binds))
    return found
