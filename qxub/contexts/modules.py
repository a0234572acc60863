"""Environment modules: Lmod, or the Tcl ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub.contexts.context import Context, Step
from qxub.option import LISTS, Option, Part
from qxub.shell_words import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.job import JobSpec

# What a site has set up comes first: it knows MODULEPATH. The names are those of Lmod (User Guide,
# "Installing Lmod"), of Modules (module(1)), of Red Hat's packages and of Cray's.
_INITIALISE = r"""
qxub_start_modules() {
  type module >/dev/null 2>&1 && return
  local init
  for init in ${MODULESHOME:+"$MODULESHOME/init/bash"} ${LMOD_PKG:+"$LMOD_PKG/init/bash"} \
    /etc/profile.d/{00-modulepath,z00_lmod,lmod,modules,z01_lmod}.sh \
    /opt/cray/pe/{lmod/lmod,modules/default}/init/bash \
    /usr/share/{lmod/lmod,modules,Modules}/init/bash \
    {/usr/local,/opt}/{lmod/lmod,modules,Modules}/init/bash; do
    [ ! -r "$init" ] || . "$init"
    ! type module >/dev/null 2>&1 || return 0
  done
  echo 'Neither Lmod nor Environment Modules is in MODULESHOME, /etc/profile.d or the usual places.'
  return 1
}
qxub_start_modules
"""


class Modules(Context):
    """Environment modules, loaded in the order in which they were given."""

    options = (
        Option(
            ("--mod", "--module", "--mods", "--modules"), LISTS,
            'Load environment modules: one, or "a,b c". May be repeated.',
            "modules", Part.CONTEXT,
        ),
    )  # fmt: skip
    rank = 10

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    @classmethod
    def of(cls, spec: JobSpec) -> Modules | None:
        """Return the modules that the job asks for."""
        return cls(spec.context.modules) if spec.context.modules else None

    def steps(self) -> list[Step]:
        """Make `module` known where the shell has not, then load each."""
        start = Step("making the command module known", _INITIALISE.strip().splitlines())
        return [start, *map(self._load, self._names)]

    @staticmethod
    def _load(name: str) -> Step:
        return Step(f"loading the module {name}", [f"module load {quote(name)}"])
