"""Plans with scripts of the test's own, and a wait for what the scheduler says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable

from qxub.execution.plan import Plan
from qxub.execution.query import ask
from qxub.execution.run_directory import RunDirectory
from qxub.run import new_run_id
from qxub.scheduler.base import JobReport, Scheduler, Submission

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.job import JobSpec


def plan_of(scheduler: Scheduler, spec: JobSpec, body: str, state: Path) -> Plan:
    """Return a plan whose script has the scheduler's directives, and this body."""
    run_id = new_run_id()
    run = RunDirectory(state / run_id)
    submission = Submission(spec, run_id, spec.name or "job", run.script, run.log)
    lines = ["#!/bin/bash", *scheduler.directives(submission), body, ""]
    state.mkdir(exist_ok=True)
    return Plan(spec, scheduler, submission, "\n".join(lines).encode(), run.path)


def wait_for_report(
    scheduler: Scheduler, job_id: str, condition: Callable[[JobReport], bool]
) -> JobReport:
    """Ask until the condition holds, for a minute at most; return the report."""
    deadline = time.monotonic() + 60
    while True:
        report = ask(scheduler, [job_id])[job_id]
        if report is not None and condition(report):
            return report
        assert time.monotonic() < deadline, report
        time.sleep(0.2)
