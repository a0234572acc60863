"""Partitions as scontrol(1) tells of them."""

from __future__ import annotations

import re

from qxub.errors import SchedulerError
from qxub.limits import Limits
from qxub.scheduler.base import Answer, Queue

ASK = ["scontrol", "--oneliner", "show", "partition"]

_FIELD = re.compile(r"(?:^|\s)([A-Za-z]+)=(\S*)")
_TIME = re.compile(r"(?:(\d+)-)?(\d+):(\d\d):(\d\d)")


def read_partitions(answer: Answer) -> list[Queue]:
    """Return the partitions. Raises SchedulerError where the answer tells none."""
    found = [dict(_FIELD.findall(line)) for line in answer.stdout.splitlines()]
    queues = [_queue(fields) for fields in found if "PartitionName" in fields]
    if not queues:
        message = f"scontrol said nothing of partitions: {answer.words[:500]}"
        raise SchedulerError(message)
    return queues


def _queue(fields: dict[str, str]) -> Queue:
    limits = Limits(cpus=_count(fields.get("TotalCPUs")), walltime=_seconds(fields.get("MaxTime")))
    takes_jobs = fields.get("State") in ("UP", "DOWN")  # one that is down keeps its jobs waiting
    return Queue(fields["PartitionName"], takes_jobs, limits, fields.get("Default") == "YES")


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _seconds(text: str | None) -> int | None:
    match = _TIME.fullmatch(text or "")  # or UNLIMITED
    if match is None:
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
