"""A scheduler's report of a job as JSON, for other processes to read."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Any

from qxub.job import JobState, Outcome, OutcomeKind
from qxub.scheduler.base import JobReport


def encode_report(report: JobReport | None) -> str:
    """Return the report on one line; `null` for a job that the scheduler does not know."""
    return json.dumps(dataclasses.asdict(report) if report else None, default=_name)


def decode_report(text: str) -> JobReport | None:
    """Return what `encode_report` was given. Raises ValueError for anything else."""
    fields = json.loads(text)
    try:
        return None if fields is None else _report(fields)
    except (AttributeError, KeyError, TypeError) as error:
        message = f"this is no report of a job: {text[:200]!r}"
        raise ValueError(message) from error


def _name(value: object) -> str:
    if isinstance(value, enum.Enum):
        return value.name
    raise TypeError(value)


def _report(fields: dict[str, Any]) -> JobReport:
    members = {int(index): _report(member) for index, member in fields["members"].items()}
    outcome = fields["outcome"] and _outcome(fields["outcome"])
    state = JobState[fields["state"]]
    return JobReport(**{**fields, "state": state, "outcome": outcome, "members": members})


def _outcome(fields: dict[str, Any]) -> Outcome:
    return Outcome(**{**fields, "kind": OutcomeKind[fields["kind"]]})
