"""The IDs of jobs of this machine: `12.local`, and `12[3].local` for one member of an array."""

from __future__ import annotations

import re

from qxub.errors import RefusedError

NO_INDEX = -1
"""stands for the index of a job that is no array: one member, without an index"""
_JOB_ID = re.compile(r"(\d{1,18})(?:\[(\d{1,18})\])?\.local")


def job_id(number: int, index: int = NO_INDEX) -> str:
    """Return the ID of a job, or of one member of an array."""
    return f"{number}.local" if index == NO_INDEX else f"{number}[{index}].local"


def parse_job_id(text: str) -> tuple[int, int]:
    """Return the job's number, and the member's index or NO_INDEX. Raises RefusedError."""
    match = _JOB_ID.fullmatch(text)
    if match is None:
        message = f"{text!r} is not the ID of a job on this machine (such as 12.local)"
        raise RefusedError(message)
    return int(match[1]), NO_INDEX if match[2] is None else int(match[2])
