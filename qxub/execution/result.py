"""The result of a run as one JSON object: what `--result FILE` holds (docs/reference/result.md)."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qxub.errors import QxubError
    from qxub.execution.run_directory import JobFiles
    from qxub.job import Outcome
    from qxub.scheduler.base import JobReport

_TIMES = ("submitted_at", "started_at", "ended_at")


def life_details(report: JobReport | None, files: JobFiles) -> dict[str, str]:
    """Return what is known of a job's life, as details of an event; only what is known.

    The scheduler has the first word. A job that was over before it was asked has left the times in
    its files.
    """
    times = {**files.times(), **_told_times(report)}
    details = {name: f"{times[name]:.0f}" for name in _TIMES if name in times}
    if report is not None:
        used = json.dumps(dict(report.used)) if report.used else ""
        told = {"queue": report.queue, "node": report.nodes, "used": used}
        details.update({name: text for name, text in told.items() if text})
    return details


def _told_times(report: JobReport | None) -> dict[str, float]:
    times = {name: getattr(report, name, None) for name in _TIMES}
    return {name: time for name, time in times.items() if time is not None}


def member_details(
    index: int, outcome: Outcome, report: JobReport | None, files: JobFiles
) -> dict[str, str]:
    """Return how a member of an array job ended, as details of an event."""
    details = {
        "index": str(index),
        "kind": outcome.kind.label,
        "exit_status": str(outcome.exit_status),
        "signal": "" if outcome.signal is None else str(outcome.signal),
        "outcome": str(outcome),
        "message": outcome.detail,
    }
    given = {name: text for name, text in details.items() if text}
    return {**given, **life_details(report, files)}


class RunResult:
    """Gathers what becomes of a run, from its events and its end."""

    def __init__(self, run_id: str = "") -> None:
        self.run_id = run_id
        self._details: dict[str, str] = {}
        self._members: list[dict[str, Any]] = []
        self._end: dict[str, Any] = {}

    def note(self, name: str, details: dict[str, str]) -> None:
        """Take note of an event."""
        if name == "member":
            self._members.append(_member(details))
        elif name in ("submitted", "ended"):
            self._details.update(details)

    def end(self, outcome: Outcome) -> None:
        """Take the outcome."""
        self._end = {
            "kind": outcome.kind.label,
            "exit_status": outcome.exit_status,
            "signal": outcome.signal,
            "message": outcome.detail,
        }
        if outcome.job_id is not None:
            self._details["job_id"] = outcome.job_id

    def fail(self, error: QxubError) -> None:
        """Take the error that ended the run, before its submission or after."""
        self._end = {
            "kind": error.kind.label,
            "exit_status": error.exit_status,
            "message": error.message,
            "hint": error.hint,
        }

    def as_object(self) -> dict[str, Any]:
        """Return the object, every key present; None stands for what is not known."""
        get = self._details.get
        return {
            "kind": self._end.get("kind"),
            "exit_status": self._end.get("exit_status"),
            "signal": self._end.get("signal"),
            "message": self._end.get("message", ""),
            "hint": self._end.get("hint", ""),
            "run_id": self.run_id or None,
            "job_id": get("job_id"),
            "scheduler": get("scheduler"),
            "directory": get("directory"),
            **_life(self._details),
            "members": self._members,
        }


def _member(details: dict[str, str]) -> dict[str, Any]:
    signal = details.get("signal")
    return {
        "index": int(details["index"]),
        "kind": details["kind"],
        "exit_status": int(details["exit_status"]),
        "signal": None if signal is None else int(signal),
        "message": details.get("message", ""),
        **_life(details),
    }


def _life(details: dict[str, str]) -> dict[str, Any]:
    """Return queue, node, times and resources used, as far as the scheduler told."""
    return {
        "queue": details.get("queue"),
        "node": details.get("node"),
        "times": {name[: -len("_at")]: _time(details.get(name)) for name in _TIMES},
        "used": json.loads(details.get("used", "{}")),
    }


def _time(text: str | None) -> str | None:
    """Return seconds since 1970 as a time of RFC 3339, in UTC."""
    if text is None:
        return None
    return f"{dt.datetime.fromtimestamp(float(text), dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
