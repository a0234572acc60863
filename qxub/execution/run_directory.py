"""The directory of one run, on the file system that login and compute nodes share."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import LostError
from qxub.system.private_files import make_private_directory, write_private

if TYPE_CHECKING:
    from pathlib import Path

    from qxub.job import JobSpec


@dataclass(frozen=True)
class Ending:
    """What the job script wrote about its end."""

    word: str
    """`exit` or `signal`, or `setup` for a step before the command"""
    detail: str
    """the number, or the step's purpose"""
    terminated: bool
    """the script itself had received TERM: only the scheduler knows why"""


class JobFiles:
    """What one job, or one member of an array job, writes: in a directory of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stdout = path / "stdout"
        self.stderr = path / "stderr"
        self.setup_log = path / "setup.log"
        """what the steps before the command said"""
        self._status = path / "status"
        self._started = path / "started"

    def create(self) -> None:
        """Make the files that are there from the beginning."""
        for stream in (self.stdout, self.stderr, self.setup_log):
            write_private(stream, b"")

    def has_started(self) -> bool:
        """Return whether the job script has begun to run."""
        return self._started.exists()

    def ending(self) -> Ending | None:
        """Return how the job script ended, or None as long as it has not said."""
        try:
            lines = self._status.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return None
        word, _, detail = lines[0].partition(" ")
        return Ending(word, detail, terminated="terminated" in lines[1:])

    def setup_words(self) -> str:
        """Return the last lines of what the steps before the command said."""
        try:
            text = self.setup_log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-10:])


class RunDirectory:
    """Paths of a run, and the facts that are read from them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.script = path / "job.sh"
        self.log = path / "scheduler.log"
        """what the scheduler said"""
        self._job_id = path / "job_id"

    @classmethod
    def create(cls, path: Path, spec: JobSpec) -> RunDirectory:
        """Record the run before any scheduler is called.

        Raises LostError when this run was recorded before: it must not be submitted twice.
        """
        try:
            make_private_directory(path)
        except FileExistsError as error:
            message = f"run {path.name} was recorded before, so it is not submitted again"
            raise LostError(message, hint=f"What is known of it is in {path}.") from error
        run = cls(path)
        content = json.dumps(dataclasses.asdict(spec), indent=1)
        write_private(path / "spec.json", content.encode())
        for index in spec.array.indices() if spec.array else (None,):
            files = run.files(index)
            if index is not None:
                make_private_directory(files.path)
            files.create()
        return run

    def files(self, index: int | None = None) -> JobFiles:
        """Return the job's files; of an array job, those of the member with this index."""
        return JobFiles(self.path if index is None else self.path / str(index))

    def write_script(self, content: bytes) -> None:
        """Write the job script, executable by its owner alone."""
        write_private(self.script, content, mode=0o700)

    def job_id(self) -> str | None:
        """Return the scheduler's job ID, or None where none was recorded."""
        try:
            return self._job_id.read_text().strip()
        except FileNotFoundError:
            return None

    def has_started(self) -> bool:
        """Return whether the job script, or that of any member, has begun to run."""
        return any(self.path.glob("started")) or any(self.path.glob("*/started"))

    def record_job_id(self, job_id: str) -> None:
        """Note the scheduler's job ID, as soon as it is known."""
        write_private(self._job_id, f"{job_id}\n".encode())
