"""`--result FILE`: how the run ended, as JSON, whatever the ending."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qxub.cli.answer import CommandWithHelp
from qxub.cli.boundary import tell, usage_error
from qxub.errors import QxubError, UsageError
from qxub.execution.result import RunResult
from qxub.job import Outcome, OutcomeKind
from qxub.system.private_files import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class CommandWithResult(CommandWithHelp):
    """A command whose usage errors are written to the file of --result, too.

    They end the parsing, so the file's name is looked for among the words themselves.
    """

    def make_context(
        self, info_name: str | None, args: list[str], *rest: Any, **extra: Any
    ) -> click.Context:
        """Parse the command line."""
        path = _named(list(args))
        try:
            return super().make_context(info_name, args, *rest, **extra)
        except click.UsageError as error:
            if path is not None:
                _write_failure(path, RunResult(), usage_error(error))
            raise


@contextmanager
def written_result(path: str | None, result: RunResult) -> Iterator[None]:
    """Write the result to `path` when the block ends, by itself or by an error that was foreseen.

    A file of an earlier run is removed first. Raises UsageError for a place that takes no file.
    """
    if path is None:
        yield
        return
    target = _cleared(path)
    try:
        yield
    except QxubError as error:
        result.fail(error)
        _write(target, result)
        raise
    except KeyboardInterrupt:
        detail = "interrupted before anything was submitted"
        result.end(Outcome(OutcomeKind.CANCELLED, detail=detail))
        _write(target, result)
        raise
    _write(target, result)


def _named(words: Sequence[str]) -> str | None:
    """Return what stands after --result among qxub's own options."""
    own = words[: words.index("--")] if "--" in words else words
    for number, word in enumerate(own):
        name, separator, value = word.partition("=")
        if name == "--result":
            return value if separator else next(iter(own[number + 1 :]), None)
    return None


def _cleared(path: str) -> Path:
    target = Path(path).absolute()
    try:
        problem = _problem(target)
        if not problem:
            target.unlink(missing_ok=True)
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        message = f"--result {path}: {problem}"
        raise UsageError(message, hint="Nothing was submitted; name a file that can be written.")
    return target


def _problem(target: Path) -> str:
    if target.exists() and not target.is_file():
        return "it is no regular file"
    if not target.parent.is_dir():
        return f"there is no directory {target.parent}"
    return "" if os.access(target.parent, os.W_OK) else f"{target.parent} is not writable"


def _write_failure(path: str, result: RunResult, error: QxubError) -> None:
    try:
        target = _cleared(path)
    except UsageError:  # the error that is being told comes first
        return
    result.fail(error)
    _write(target, result)


def _write(target: Path, result: RunResult) -> None:
    content = json.dumps(result.as_object(), indent=1) + "\n"
    try:
        write_private(target, content.encode())
    except OSError as error:  # the exit status is the job's all the same
        tell(f"the result could not be written to {target}: {error.strerror or error}")
