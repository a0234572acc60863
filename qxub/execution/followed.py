"""Which jobs are followed on this host: a file for each, as old as its follower's last sign."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from pathlib import Path

LEASE = 600.0
"""seconds for which a job is asked for after the last sign of its follower"""

log = logging.getLogger(__name__)


class FollowedJobs:
    """The jobs that are noted in a directory, which is made where it is missing.

    It and the directory above are for their owner alone, as others could hold the lock there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def note(self, job_id: str) -> None:
        """Give a sign that the job is followed; it is good for LEASE seconds."""
        try:
            self._directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._directory.mkdir(exist_ok=True, mode=0o700)
            self._notice(job_id).touch(mode=0o600)
        except OSError as error:  # a full disk costs the sharing, not the job
            log.info("cannot note that job %s is followed: %s", job_id, error)

    def drop(self, job_id: str) -> None:
        """Forget the job."""
        try:
            self._notice(job_id).unlink(missing_ok=True)
        except OSError as error:  # it is asked for until its lease is over; its outcome stands
            log.info("cannot note that job %s is followed no more: %s", job_id, error)

    def job_ids(self) -> set[str]:
        """Return the jobs that are followed; whose followers were not seen for long are dropped."""
        found: set[str] = set()
        try:
            notices = list(self._directory.iterdir())
        except OSError as error:  # it could not be made, or is another user's
            log.info("cannot read which jobs are followed: %s", error)
            return found
        now = time.time()
        for notice in notices:
            job_id = unquote(notice.name)
            try:
                age = now - notice.stat().st_mtime
            except FileNotFoundError:  # dropped in the meantime
                continue
            if abs(age) < LEASE:  # a clock that was set back makes it negative
                found.add(job_id)
            else:
                self.drop(job_id)
        return found

    def _notice(self, job_id: str) -> Path:
        return self._directory / quote(job_id, safe="[]")
