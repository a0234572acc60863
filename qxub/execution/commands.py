"""Run a scheduler's commands, with a time limit: a frozen server lets them hang for ever."""

from __future__ import annotations

import logging
import os
import subprocess
from typing import TYPE_CHECKING

from qxub.errors import SchedulerError
from qxub.scheduler.base import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

TIME_LIMIT = 60.0
"""seconds"""

FILTERED = ("squeue", "sacct", "scancel")
"""Slurm's commands whose own variables (SQUEUE_PARTITION, …) hide jobs, or spare them"""
FORM = "SLURM_TIME_FORMAT"
"""the variable by which users have their times of squeue and sacct"""
WHOLE_RANGES = {"SLURM_BITSTR_LEN": "0"}
"""for all members that squeue and sacct mean, not the first 64 letters of them"""

log = logging.getLogger(__name__)


class CommandTimeoutError(SchedulerError):
    """The command was still running at the time limit; what it did meanwhile is not known."""


class CommandMissingError(SchedulerError):
    """The command is not installed here."""


def run_command(argv: Sequence[str]) -> Answer:
    """Run a scheduler's command and return what it printed.

    The command gets a session of its own, so that Ctrl-C at the terminal does not end it half-way.
    Raises CommandMissingError or another SchedulerError when it cannot be started, and
    CommandTimeoutError when it does not end.
    """
    log.debug("running %s", argv)
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(argv[0]),
            timeout=TIME_LIMIT,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{argv[0]} did not answer within {TIME_LIMIT:.0f} seconds"
        raise CommandTimeoutError(message, hint="The scheduler may be down; try later.") from error
    except FileNotFoundError as error:
        message = f"cannot run {argv[0]}: there is no such command here"
        raise CommandMissingError(message) from error
    except OSError as error:
        message = f"cannot run {argv[0]}: {error.strerror or error}"
        raise SchedulerError(message) from error
    log.debug("%s ended with %s", argv[0], done.returncode)
    return Answer(
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
        done.returncode,
    )


def _environment(command: str) -> dict[str, str]:
    """Return the environment for a command: what is asked for is all in its arguments."""
    if command not in FILTERED:
        return dict(os.environ)
    own = (f"{command.upper()}_", FORM)
    kept = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    return {**kept, **WHOLE_RANGES}
