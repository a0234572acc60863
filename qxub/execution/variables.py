"""What the variables in paths of logs and in templates of job scripts stand for."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import UsageError
from qxub.run import RUN_ID
from qxub.system.account import user_name

if TYPE_CHECKING:
    from qxub.job import JobSpec

_TIMES = {"timestamp": "%Y%m%d-%H%M%S", "date": "%Y-%m-%d", "time": "%H-%M-%S"}


@dataclass(frozen=True)
class RunVariables:
    """The values that are known before the run is submitted."""

    spec: JobSpec
    run_id: str
    name: str
    """the job's, as the scheduler gets it"""

    def value(self, variable: str) -> str:
        """Return what {variable} stands for. Raises UsageError where this run has no such value."""
        if variable in _TIMES:
            return self._begun().strftime(_TIMES[variable])
        if variable == "user":
            return _user()
        if variable == "project":
            return self._project()
        queue = self.spec.queue or "default"
        return {"name": self.name, "run_id": self.run_id, "queue": queue}[variable]

    def _begun(self) -> dt.datetime:
        """Return the time in the run ID, by the clock of this place."""
        assert RUN_ID.fullmatch(self.run_id), self.run_id  # noqa: S101 - made by new_run_id
        utc = f"{self.run_id[:15]}+0000"
        return dt.datetime.strptime(utc, "%Y%m%dT%H%M%S%z").astimezone()

    def _project(self) -> str:
        project = self.spec.project or os.environ.get("PROJECT")
        if not project:
            message = "{project} stands in a path or a template, but no project is set"
            raise UsageError(message, hint="Give --project, or set defaults.project.")
        return project


def _user() -> str:
    user = user_name()
    if user is None:
        message = "{user} stands in a path or a template, but nothing here knows your user name"
        raise UsageError(message, hint="Set USER (Windows: USERNAME).")
    return user
