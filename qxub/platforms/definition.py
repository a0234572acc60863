"""A platform definition: what its queues allow. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qxub.errors import RefusedError
from qxub.limits import Limits
from qxub.monitoring import Monitoring, read_monitoring
from qxub.quantities import parse_memory, parse_walltime

if TYPE_CHECKING:
    from qxub.job import JobSpec
    from qxub.yaml_file import Values


@dataclass(frozen=True)
class Queue:
    """One queue."""

    name: str
    place: str
    """file and line of its limits"""
    limits: Limits


@dataclass(frozen=True)
class PlatformDefinition:
    """The queues of a platform by name, its scheduler, and how often that may be asked."""

    source: str
    queues: dict[str, Queue]
    scheduler: str | None = None
    """`type`: pbs_pro, slurm or local"""
    monitoring: Monitoring = field(default_factory=Monitoring)


def read_definition(values: Values, source: str) -> PlatformDefinition:
    """Make the definition from the values of its file.

    `queues` stands below `platform`, or beside it, as a mapping by name or a list of mappings with
    `name`. Raises ConfigError, with file and line, for a limit that is no amount.
    """
    above = ("platform", "queues") if values.names("platform", "queues") else ("queues",)
    queues = {}
    for key in values.names(*above):
        at = (*above, key)
        limits = (*at, "limits")
        name = values.text(*at, "name") or key
        allowed = Limits(
            values.parsed(int, *limits, "max_cpus"),
            values.parsed(parse_memory, *limits, "max_memory"),
            values.parsed(parse_walltime, *limits, "max_walltime"),
        )
        queues[name] = Queue(name, values.place(*at), allowed)
    scheduler = values.text("platform", "type")
    return PlatformDefinition(source, queues, scheduler, read_monitoring(values, "platform"))


def check_limits(definition: PlatformDefinition, spec: JobSpec) -> None:
    """Raise RefusedError when the queue that is asked for by name is unknown or too small."""
    if spec.queue is None or spec.queue == "auto" or not definition.queues:
        return
    queue = definition.queues.get(spec.queue)
    if queue is None:
        known = ", ".join(definition.queues)
        message = f"{definition.source}: there is no queue {spec.queue!r}; there are: {known}"
        raise RefusedError(message, hint="Nothing was sent. Name one of these with --queue.")
    over = queue.limits.broken_by(spec.resources)
    if over:
        message = f"queue {queue.name} ({queue.place}) does not allow it: {'; '.join(over)}"
        raise RefusedError(message, hint="Nothing was sent. Ask for less, or name another queue.")
