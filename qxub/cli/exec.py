"""`qxub exec`: run a command as a batch job, here or on a platform."""

from __future__ import annotations

import os
import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qxub.cli.console import Console, JobSubmitted, cancelled_by_signals, set_up_logging
from qxub.cli.dry import show_plan, show_remote
from qxub.cli.options import checked_job_spec, exec_options, given_values
from qxub.cli.own_words import silence
from qxub.cli.prompts import TerminalPrompter
from qxub.cli.result_file import CommandWithResult, written_result
from qxub.config.paths import state_directory
from qxub.config.settings import PlatformSection, Settings, find_platform, load_settings
from qxub.errors import LostError, UsageError
from qxub.execution.detection import find_scheduler
from qxub.execution.follow import follow
from qxub.execution.mode import Mode, execution_mode
from qxub.execution.plan import Plan, plan_run
from qxub.execution.result import RunResult
from qxub.execution.run_directory import PRIVATE
from qxub.execution.submit import SubmittedJob, submit
from qxub.job import JobSpec, Outcome, OutcomeKind
from qxub.monitoring import Monitoring, read_monitoring
from qxub.run import RunObserver, new_run_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.cli.far_side import FarSide


@click.command(
    "exec",
    cls=CommandWithResult,
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTIONS] --",
)
@exec_options
@click.pass_obj
def command(far_side: FarSide | None, /, command: tuple[str, ...], **parsed: Any) -> int:
    """Run COMMAND as a batch job and behave as it would: same output, same exit status.

    With --platform the job runs on that cluster, by the qxub there; without, on the scheduler of
    this machine (PBS Pro, Slurm, or the embedded one).

    \b
    qxub exec --mem 8GB --cpus 4 -- python train.py
    qxub exec --platform gadi --env pytorch -- python train.py --epochs 100
    """
    values = given_values(parsed)
    result = RunResult(new_run_id() if far_side is None else far_side.run_id)
    with written_result(None if "dry" in values else values.get("result"), result):
        return _run(far_side, values, command, result)


def _run(
    far_side: FarSide | None,
    values: Mapping[str, Any],
    command: tuple[str, ...],
    result: RunResult,
) -> int:
    checked_job_spec(values, command)  # before any file is read: usage errors come first
    set_up_logging(values.get("verbose", 0), quiet="quiet" in values)
    settings = load_settings(Path(values["config"]) if "config" in values else None)
    platform = _chosen_platform(settings, values)
    mode = execution_mode(platform)
    if far_side is not None or mode is Mode.LOCAL:
        scheduler, monitoring = _scheduler_here(settings, platform)
        plan = _plan_here(settings, values, command, scheduler=scheduler, run_id=result.run_id)
        if far_side is not None:
            observer, cancelled = far_side.observer, far_side.cancelled
            return _run_here(plan, observer, cancelled, monitoring=monitoring)
        return _steer_local(plan, values, result, monitoring=monitoring)
    assert platform is not None  # noqa: S101 - for mypy: the other modes have one
    if mode is Mode.REMOTE:
        _check_here(platform, checked_job_spec(values, command))
    return _steer_remote(platform, checked_job_spec(values, command), values, result)


def _chosen_platform(settings: Settings, values: Mapping[str, Any]) -> PlatformSection | None:
    """Return the platform of --platform, QXUB_PLATFORM or defaults.platform, in this order."""
    name = (
        values.get("platform")
        or os.environ.get("QXUB_PLATFORM")
        or settings.text("defaults", "platform")
    )
    return find_platform(settings, name, values.get("project")) if name else None


def _scheduler_here(
    settings: Settings, platform: PlatformSection | None
) -> tuple[str | None, Monitoring]:
    """Return the name of this machine's scheduler, and how often it may be asked.

    The settings have the first word, the platform's definition the second. None: the scheduler is
    the one whose commands answer.
    """
    name, monitoring = settings.text("scheduler"), read_monitoring(settings)
    if platform is not None and platform.definition:
        from qxub.platforms.loader import load_definition  # noqa: PLC0415 - most have none here

        definition = load_definition(platform.definition)
        name, monitoring = name or definition.scheduler, monitoring.or_else(definition.monitoring)
    return name, monitoring


def _check_here(platform: PlatformSection, spec: JobSpec) -> None:
    from qxub.platforms.definition import check_limits  # noqa: PLC0415 - only this mode needs it
    from qxub.platforms.loader import load_definition  # noqa: PLC0415

    check_limits(load_definition(platform.definition or ""), spec)


def _plan_here(
    settings: Settings,
    values: Mapping[str, Any],
    command: tuple[str, ...],
    *,
    scheduler: str | None,
    run_id: str,
) -> Plan:
    """Decide a run on this machine's scheduler, with this machine's `defaults.*`."""
    spec = checked_job_spec({**settings.defaults(), **values}, command)
    return plan_run(
        spec,
        run_id=run_id,
        scheduler=find_scheduler(scheduler),
        state=state_directory(),
        working_directory=_here(),
        directory_mode=settings.run_directory_mode() or PRIVATE,
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        message = f"the directory in which qxub was called is gone: {error.strerror or error}"
        raise UsageError(message, hint="Nothing was submitted; change to another one.") from error


def _run_here(
    plan: Plan, observer: RunObserver, cancelled: threading.Event, *, monitoring: Monitoring
) -> int:
    """Submit, follow to the end, tell the observer, and return the exit status."""
    if cancelled.is_set():
        observer.end(outcome := Outcome(OutcomeKind.CANCELLED, detail="nothing was submitted"))
        return outcome.exit_status
    job = _submitted(plan)
    directory = str(plan.directory)
    scheduler = plan.scheduler.name
    try:
        known = {"scheduler": scheduler, "job_id": job.job_id, "directory": directory}
        observer.event("submitted", **known, submitted_at=f"{job.run.submitted_at():.0f}")
        outcome = follow(job, observer, cancelled, monitoring)
    except (OSError, KeyboardInterrupt) as error:
        reason = str(error) or "Ctrl-C twice"
        message = f"no longer following {scheduler} job {job.job_id}: {reason}"
        ask = shlex.join(next(plan.scheduler.query([job.job_id])))
        hint = f"It may go on: ask by `{ask}`. Its output and status are in {directory}."
        raise LostError(message, hint=hint) from error
    observer.end(outcome)
    return outcome.exit_status


def _submitted(plan: Plan) -> SubmittedJob:
    try:
        return submit(plan)
    except KeyboardInterrupt as error:
        message = "interrupted in the submission; whether there is a job is not known"
        hint = f"Look for a job named {plan.submission.name}; the run is in {plan.directory}."
        raise LostError(message, hint=hint) from error


def _steer_local(
    plan: Plan, values: Mapping[str, Any], result: RunResult, *, monitoring: Monitoring
) -> int:
    if "dry" in values:
        show_plan(plan)
        return 0
    cancelled = threading.Event()
    console = _console(cancelled, result, values)
    with cancelled_by_signals(cancelled):
        try:
            return _run_here(plan, console, cancelled, monitoring=monitoring)
        except JobSubmitted as submitted:
            _print_job_id(submitted.job_id)
            return 0


def _steer_remote(
    platform: PlatformSection, spec: JobSpec, values: Mapping[str, Any], result: RunResult
) -> int:
    from qxub.remote.platform_executor import (  # noqa: PLC0415 - brings Paramiko
        execute,
        open_connection,
        plan_remote_run,
    )

    assert platform.remote is not None  # noqa: S101 - for mypy: these modes have one
    run = plan_remote_run(
        spec,
        platform=platform.name,
        remote=platform.remote,
        run_id=result.run_id,
        verbosity=values.get("verbose", 0),
    )
    if "dry" in values:
        show_remote(run)
        return 0
    cancelled = threading.Event()
    console = _console(cancelled, result, values)
    console.event("connecting", host=run.host.hostname)
    # Until there is a connection, Ctrl-C simply ends this process.
    with open_connection(run, TerminalPrompter()) as connection, cancelled_by_signals(cancelled):
        try:
            outcome = execute(run, connection, console, cancelled)
        except JobSubmitted as submitted:
            _print_job_id(submitted.job_id)
            return 0
        console.end(outcome)
        return outcome.exit_status


def _print_job_id(job_id: str) -> None:
    try:
        click.echo(job_id)
    except (OSError, KeyboardInterrupt) as error:
        silence(1)
        reason = str(error) or "Ctrl-C"
        message = f"job {job_id} was submitted, but its ID cannot be written: {reason}"
        raise LostError(message) from error


def _console(cancelled: threading.Event, result: RunResult, values: Mapping[str, Any]) -> Console:
    return Console(
        cancelled,
        result,
        verbosity=values.get("verbose", 0),
        quiet="quiet" in values,
        leaves_when_submitted="terse" in values,
    )
