"""Queues as qstat(1B) -Q -f -F json tells of them."""

from __future__ import annotations

import json
from typing import Any, Callable, TypeVar

from qxub.errors import SchedulerError
from qxub.limits import Limits
from qxub.quantities import parse_memory, parse_walltime
from qxub.scheduler.base import Answer, Queue

T = TypeVar("T")

ASK = ["qstat", "-Q", "-f", "-F", "json"]


def read_queues(answer: Answer) -> list[Queue]:
    """Return the queues. Raises SchedulerError where the answer tells none.

    PBS tells no default here: that is the server's (qstat -B).
    """
    try:
        told: dict[str, dict[str, Any]] = json.loads(answer.stdout)["Queue"]
    except (ValueError, KeyError) as error:
        message = f"qstat said nothing of queues: {answer.words[:500]}"
        raise SchedulerError(message) from error
    return [_queue(name, facts) for name, facts in told.items()]


def _queue(name: str, facts: dict[str, Any]) -> Queue:
    most = facts.get("resources_max", {})
    limits = Limits(
        _amount(int, most.get("ncpus")),
        _amount(parse_memory, most.get("mem")),
        _amount(parse_walltime, most.get("walltime")),
    )
    return Queue(name, facts.get("enabled") == "True", limits)


def _amount(parse: Callable[[str], T], told: object) -> T | None:
    """Return a limit; None also for one in a form of its own, which is not ours to judge."""
    try:
        return None if told is None else parse(str(told))
    except ValueError:
        return None
