"""The scheduler's last answer, in a file that all of a user's qxub processes on a host read.

The first line is a JSON object with the times of the answer; each further line is a job ID, a blank
and the report of that job in JSON. So a process reads the line of its own job, and not a thousand.
"""

from __future__ import annotations

import json
import logging
import math
import time
from typing import TYPE_CHECKING

from qxub.execution.report_text import decode_report, encode_report
from qxub.system.private_files import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qxub.scheduler.base import JobReport

FORMAT = 2
"""of the file: an answer in another one counts as none"""

log = logging.getLogger(__name__)


class NotAskedError(Exception):
    """The job was not among those that the scheduler was asked for."""


class SharedAnswer:
    """An answer, or the want of one. Times are of time.monotonic(), which a host's processes share.

    Raises ValueError for content that is no answer.
    """

    def __init__(self, content: bytes = b"") -> None:
        self._head, _, self._jobs = content.partition(b"\n")
        head = json.loads(self._head or b"{}")
        if content and (not isinstance(head, dict) or head.get("format") != FORMAT):
            message = f"not an answer in format {FORMAT}: {self._head[:200]!r}"
            raise ValueError(message)
        self.asked_at = float(head.get("asked_at", -math.inf))
        """when somebody last began to ask"""
        self.problem = str(head.get("problem", ""))
        """why there was no answer then; what is known of the jobs is from before"""
        self.credit = float(head.get("credit", 0.0))
        """so many questions might have been asked besides, at one for each interval until then"""
        self.is_complete = bool(head.get("complete", False))
        """the question of that time has been answered, or failed"""

    def report_of(self, job_id: str) -> JobReport | None:
        """Return what the scheduler said of the job: None when it does not know it.

        Raises NotAskedError when it was not asked for the job.
        """
        start = (b"\n" + self._jobs).find(f"\n{job_id} ".encode())
        if start < 0:
            raise NotAskedError(job_id)
        end = self._jobs.find(b"\n", start)
        return decode_report(self._jobs[start + len(job_id.encode()) + 1 : end].decode())

    def began(self, asked_at: float, credit: float) -> bytes:
        """Return the content while somebody asks: what was known of the jobs stays."""
        return _head(asked_at, credit) + self._jobs

    def failed(self, asked_at: float, credit: float, problem: str) -> bytes:
        """Return the content after a question that was not answered."""
        return _head(asked_at, credit, complete=True, problem=problem) + self._jobs


def answered(asked_at: float, credit: float, reports: Mapping[str, JobReport | None]) -> bytes:
    """Return the content after an answer."""
    lines = (f"{job_id} {encode_report(report)}\n" for job_id, report in reports.items())
    return _head(asked_at, credit, complete=True) + "".join(lines).encode()


def _head(asked_at: float, credit: float, *, complete: bool = False, problem: str = "") -> bytes:
    fields = {
        "format": FORMAT,
        "asked_at": asked_at,
        "credit": credit,
        "complete": complete,
        "problem": problem,
    }
    return json.dumps(fields).encode() + b"\n"


class AnswerFile:
    """Where the answer is. What cannot be written there is kept here, for this process alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: SharedAnswer | None = None

    def stamp(self) -> object:
        """Return a value that is another one when there is another answer."""
        try:
            status = self._path.stat()
        except OSError:  # not there, or another user's
            return id(self._unwritten)
        return status.st_mtime_ns, status.st_ino, status.st_size, id(self._unwritten)

    def read(self) -> SharedAnswer:
        """Return the last answer."""
        try:
            answer = SharedAnswer(self._path.read_bytes())
        except FileNotFoundError:
            answer = SharedAnswer()
        except (OSError, ValueError) as error:
            log.info("%s is passed over: %s", self._path, error)
            answer = SharedAnswer()
        if answer.asked_at > time.monotonic():  # before the machine was started again
            answer = SharedAnswer()
        own = self._unwritten
        return own if own is not None and own.asked_at >= answer.asked_at else answer

    def write(self, content: bytes) -> None:
        """Publish an answer; only for who has the lock."""
        try:
            write_private(self._path, content)
        except OSError as error:  # such as a full disk: it costs the sharing, not the job
            log.info("cannot write %s: %s", self._path, error)
            self._unwritten = SharedAnswer(content)
        else:
            self._unwritten = None
