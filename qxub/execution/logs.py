"""The user's own files for a job's streams: --out, --err and --log-dir.

They are made by the job script, as the compute node sees the file system. In the run directory
there are links to them, so that everybody finds the streams in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.errors import UsageError
from qxub.execution.user_paths import user_path
from qxub.placeholders import placeholders, split
from qxub.shell_words import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.execution.variables import RunVariables
    from qxub.job import JobSpec

_IN_LOG_DIRECTORY = {"stdout": "{name}-{run_id}.out", "stderr": "{name}-{run_id}.err"}
_KNOWN_IN_THE_JOB = {"job_id": '"$qxub_job_id"', "index": '"$QXUB_ARRAY_INDEX"'}


@dataclass(frozen=True)
class LogFiles:
    """The paths as the job script writes them: words of the shell, by the name of the stream."""

    words: Mapping[str, str]

    def lines(self, job_id_variable: str) -> list[str]:
        """Return the lines that make each file, empty, and link to it in the run directory."""
        make = 'mkdir -p -- "${2%/*}/" && : >"$2" && ln -sf -- "$2" "$qxub_run/$1"'
        calls = [f"qxub_open {stream} {word}" for stream, word in self.words.items()]
        return [
            f"qxub_job_id=${{{job_id_variable}:-}}",
            f"qxub_open() {{ {make}; }}",
            " && ".join(calls),
        ]


def log_paths(spec: JobSpec) -> dict[str, str]:
    """Return the user's path of each stream that has one, with its variables still in it.

    Of an array, each member has files of its own: where a path does not hold {index}, that is
    added at its end.
    """
    paths = {}
    for stream, own in (("stdout", spec.stdout), ("stderr", spec.stderr)):
        if own is None and spec.log_directory is None:
            continue
        path = str(Path(spec.log_directory or "") / (own or _IN_LOG_DIRECTORY[stream]))
        has_index = any(name == "index" for _, name in placeholders(path))
        paths[stream] = f"{path}.{{index}}" if spec.array and not has_index else path
    return paths


def log_files(variables: RunVariables, base: Path) -> LogFiles | None:
    """Return the user's files, or None where the streams are in the run directory alone.

    Relative paths are below `base`. Raises UsageError for a variable that has no value, and
    for one file in both places.
    """
    paths = {stream: user_path(text, base) for stream, text in log_paths(variables.spec).items()}
    if len(set(paths.values())) < len(paths):
        message = f"--out and --err both name {paths['stdout']}; the two streams are kept apart"
        raise UsageError(message, hint="Name two files, or give --log-dir alone.")
    words = {stream: _word(str(path), variables) for stream, path in paths.items()}
    return LogFiles(words) if words else None


def _word(path: str, variables: RunVariables) -> str:
    pieces = []
    for text, name in split(path):
        pieces.append(quote(text) if text else "")
        if name == "index" and variables.spec.array is None:
            message = f"{path}: {{index}} needs --array: only members of an array have one"
            raise UsageError(message)
        if name in _KNOWN_IN_THE_JOB:
            pieces.append(_KNOWN_IN_THE_JOB[name])
        elif name:
            pieces.append(quote(variables.value(name)))
    return "".join(pieces)
