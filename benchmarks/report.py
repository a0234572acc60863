"""Results as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Result

HEADINGS = ("name", "work", "peer", "ours", "theirs", "ratio", "bar", "spread", "bar met")
NOTE = (
    "ours and theirs: medians, in ms; ratio: our time over theirs, or our throughput over theirs, "
    "as the bar says; spread: interquartile range of the rounds' ratios over their median"
)
SIGNS = {"time": "<=", "throughput": ">="}


def table(results: Sequence[Result]) -> str:
    """Give a table of aligned columns, and a note on what the figures are."""
    rows = [HEADINGS, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, NOTE])


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        result.work,
        result.peer,
        f"{result.ours * 1000:.1f}",
        f"{result.theirs * 1000:.1f}",
        f"{result.ratio:.2f}",
        f"{SIGNS[result.bar.of]} {result.bar.limit:.2f} of its {result.bar.of}",
        f"{result.spread:.0%}",
        "yes" if result.met else "NO",
    )


def as_json(results: Sequence[Result], left_out: Mapping[str, str]) -> str:
    """Give the same as JSON, with what was left out and why, and the machine's kind."""
    report = {
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
        },
        "results": [dataclasses.asdict(result) for result in results],
        "left_out": dict(left_out),
    }
    return json.dumps(report, indent=2) + "\n"
