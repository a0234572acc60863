"""The directory of one run, on the file system that login and compute nodes share."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.errors import LostError
from qxub.execution.logs import log_paths
from qxub.system.private_files import create_private, make_private_directory, write_private

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from qxub.job import JobSpec


PRIVATE = 0o700
"""the mode of a run directory, unless the configuration opens it up"""
SETUP_LINES = 40
"""so many of the last lines of a failed step are shown; they may list a site's environments"""
FILE = 0o666
"""what a mode means for a file that is no program"""


class RecordedBeforeError(LostError):
    """There is a run with this run ID already."""


@dataclass(frozen=True)
class Ending:
    """What the job script wrote about its end."""

    word: str
    """`exit` or `signal`; `setup` for a step before the command, `post` for the line of --post;
    `lost` where even the script does not know"""
    detail: str
    """the number; the step's purpose; `exit` or `signal` of --post with its number"""
    terminated: bool
    """the script itself had received TERM: only the scheduler knows why"""


class JobFiles:
    """What one job, or one member of an array job, writes: in a directory of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stdout = path / "stdout"
        self.stderr = path / "stderr"
        """with --out, --err or --log-dir, links that the job script makes to the user's files"""
        self.setup_log = path / "setup.log"
        """what the steps before the command said"""
        self._status = path / "status"
        self._started = path / "started"

    def create(self, mode: int, elsewhere: Collection[str]) -> None:
        """Make the files that are there from the beginning, but no stream that is `elsewhere`."""
        for stream in (self.stdout, self.stderr, self.setup_log):
            if stream.name not in elsewhere:
                create_private(stream)
                open_up(stream, mode & FILE)

    def has_started(self) -> bool:
        """Return whether the job script has begun to run."""
        return self._started.exists()

    def ending(self) -> Ending | None:
        """Return how the job script ended, or None as long as it has not said.

        A file without its last newline says nothing: on NFS a full disk shows when the file is
        closed, which a shell does not notice.
        """
        try:
            text = self._status.read_text(errors="replace")
        except FileNotFoundError:
            return None
        if not text.endswith("\n"):
            return None
        lines = text.splitlines()
        word, _, detail = lines[0].partition(" ")
        return Ending(word, detail, terminated="terminated" in lines[1:])

    def times(self) -> dict[str, float]:
        """Return when the job script began and ended, in seconds since 1970, as its files tell."""
        files = {"started_at": self._started, "ended_at": self._status}
        return {name: path.stat().st_mtime for name, path in files.items() if path.exists()}

    def setup_words(self) -> str:
        """Return the last lines of what the steps before the command said."""
        try:
            text = self.setup_log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-SETUP_LINES:])


class RunDirectory:
    """Paths of a run, and the facts that are read from them."""

    def __init__(self, path: Path, mode: int = PRIVATE) -> None:
        self.path = path
        self._mode = mode
        self.script = path / "job.sh"
        self.log = path / "scheduler.log"
        """what the scheduler said"""
        self._job_id = path / "job_id"
        self._spec = path / "spec.json"

    @classmethod
    def create(cls, path: Path, spec: JobSpec, mode: int = PRIVATE) -> RunDirectory:
        """Record the run before any scheduler is called.

        A wider `mode` opens the directory, the script, the streams and the log to others; the spec
        and the variables stay private. Raises RecordedBeforeError when this run was recorded
        before: it must not be submitted twice.
        """
        try:
            make_private_directory(path)
        except FileExistsError as error:
            if not path.is_dir():
                raise
            message = f"run {path.name} was recorded before, so it is not submitted again"
            hint = f"What is known of it is in {path}."
            raise RecordedBeforeError(message, hint=hint) from error
        run = cls(path, mode)
        write_private(run._spec, _content(spec))
        if spec.variables:
            write_private(path / "environment", _exports(spec))
        for index in spec.array.indices() if spec.array else (None,):
            files = run.files(index)
            if index is not None:
                make_private_directory(files.path)
                open_up(files.path, mode)
            files.create(mode, log_paths(spec))
        open_up(path, mode)
        open_up(path.parent, mode & 0o711)  # others may enter, and find what they know the name of
        return run

    def files(self, index: int | None = None) -> JobFiles:
        """Return the job's files; of an array job, those of the member with this index."""
        return JobFiles(self.path if index is None else self.path / str(index))

    def holds(self, spec: JobSpec) -> bool | None:
        """Return whether the run was recorded for this job; None as long as that is not there."""
        try:
            return self._spec.read_bytes() == _content(spec)
        except FileNotFoundError:
            return None

    def write_script(self, content: bytes) -> None:
        """Write the job script, executable by its owner, or by whom the mode lets in."""
        write_private(self.script, content, mode=PRIVATE)
        open_up(self.script, self._mode)

    def submitted_at(self) -> float:
        """Return when the script was ready to be submitted, in seconds since 1970."""
        return self.script.stat().st_mtime

    def job_id(self) -> str | None:
        """Return the scheduler's job ID, or None where none was recorded.

        The file is empty where the machine went down before it came to the disk.
        """
        try:
            return self._job_id.read_text().strip() or None
        except FileNotFoundError:
            return None

    def has_started(self) -> bool:
        """Return whether the job script, or that of any member, has begun to run."""
        return any(self.path.glob("started")) or any(self.path.glob("*/started"))

    def scheduler_words(self, index: int | None) -> str:
        """Return what the scheduler itself said in the job, or in the array's member; "" if not."""
        log = self.log if index is None else self.log.with_name(f"{self.log.name}.{index}")
        try:
            return log.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def record_job_id(self, job_id: str) -> None:
        """Note the scheduler's job ID, as soon as it is known."""
        write_private(self._job_id, f"{job_id}\n".encode())


def open_up(path: Path, mode: int) -> None:
    """Give others what `mode` has for them; the owner's permissions stay."""
    if mode & 0o077:
        path.chmod(path.stat().st_mode | mode & 0o077)


def _content(spec: JobSpec) -> bytes:
    return json.dumps(dataclasses.asdict(spec), indent=1).encode()


def _exports(spec: JobSpec) -> bytes:
    """Return the variables as lines for the job script to read: no command line is private."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in spec.variables]
    return os.fsencode(" &&\n".join(lines) + "\n")
