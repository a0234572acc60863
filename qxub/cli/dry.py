"""`--dry`: what would happen, on stdout."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from qxub.cli.answer import write_answer

if TYPE_CHECKING:
    from qxub.execution.plan import Plan
    from qxub.remote.platform_executor import RemoteRun


def show_plan(plan: Plan) -> None:
    """Show the job script, and how it would be submitted. Raises UsageError if that cannot be."""
    _show(
        plan.script.decode(errors="replace"),
        f"# {plan.submission.script} would be submitted by:",
        shlex.join(plan.scheduler.submit(plan.submission)),
    )


def show_remote(run: RemoteRun) -> None:
    """Show the way to the platform, and what would be run there. Raises UsageError as above."""
    host = run.host
    hops = ", ".join(str(hop) for hop in host.jump_hosts)
    hop = f", by way of {hops}" if hops else ""
    _show(
        f"host: {run.remote.host} = {host.user}@{host.hostname} port {host.port}{hop}",
        "stages:",
        *(f"  {name}: {text}".replace("\n", "\n    ") for name, text in run.stages()),
        "command:",
        shlex.join(run.command),
    )


def _show(*lines: str) -> None:
    write_answer("\n".join(lines), "what would happen", "Nothing was submitted.")
