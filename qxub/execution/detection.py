"""Which scheduler this machine has."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Callable

from qxub.errors import ConfigError, SchedulerError
from qxub.execution.commands import run_command
from qxub.scheduler.local import Local
from qxub.scheduler.pbs import PbsPro
from qxub.scheduler.slurm import Slurm

if TYPE_CHECKING:
    from qxub.scheduler.base import Scheduler

BATCH = (sys.executable, "-m", "qxub.cli.local_batch_posix")
"""how the commands of the embedded scheduler are called"""


_BY_NAME: dict[str, Callable[[], Scheduler]] = {
    "pbs_pro": PbsPro,
    "slurm": Slurm,
    "local": lambda: Local(BATCH),
}
"""the names are those of `scheduler` in the settings and of `type` in a platform definition"""
_VERSIONS = {
    "pbs_pro": (("qsub", "--version"), "pbs_version"),
    "slurm": (("sbatch", "--version"), "slurm"),
}
"""a command of each scheduler, and a word of its answer. The word counts: Slurm ships a wrapper
called qsub, which knows no --version (Debian: slurm-wlm-torque)"""


def find_scheduler(name: str | None = None) -> Scheduler:
    """Return the scheduler of that name, by default the one whose commands answer.

    Without PBS Pro and Slurm that is the embedded one. Raises ConfigError for an unknown name, and
    SchedulerError for the embedded one where jobs cannot run (no POSIX system, or no bash).
    """
    name = name or _detected()
    if name not in _BY_NAME:
        message = f"unknown scheduler {name!r} in the configuration"
        raise ConfigError(message, hint=f"Known are: {', '.join(_BY_NAME)}.")
    if name == "local" and (sys.platform == "win32" or shutil.which("bash") is None):
        message = "this machine has no scheduler, and jobs of the embedded one need bash"
        hint = "Name a platform with --platform to run on a cluster; that needs no bash here."
        raise SchedulerError(message, hint=hint)
    return _BY_NAME[name]()


def _detected() -> str:
    for name, (argv, word) in _VERSIONS.items():
        if shutil.which(argv[0]) and word in run_command(argv).stdout:
            return name
    return "local"
