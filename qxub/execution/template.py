"""Templates of job scripts: the user's own file, with qxub's parts put into it.

The language is that of qxub.placeholders. `{directives}`, `{steps}` and `{command}` stand alone on
a line, each once and in this order; the other placeholders are values, quoted for the shell.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qxub.errors import ConfigError
from qxub.placeholders import placeholders, split
from qxub.shell_words import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qxub.execution.job_script import ScriptParts

PARTS = ("directives", "steps", "command")
PLAIN = "#!/bin/bash\n{directives}\n{steps}\n{command}\n"
"""what is filled where the user has no template"""
VALUES = ("name", "queue", "project", "user", "run_id", "date", "time", "timestamp")


def read_template(path: Path) -> str:
    """Return the text of a template that can be filled.

    Raises ConfigError, with file and line, for one that cannot.
    """
    try:
        text = os.fsdecode(path.read_bytes().replace(b"\r\n", b"\n"))
    except OSError as error:
        message = f"{path}: cannot read the template: {error.strerror or error}"
        raise ConfigError(message, hint="Check the path and its permissions.") from error
    if "bash" not in text.partition("\n")[0] or not text.startswith("#!"):
        message = f"{path}, line 1: a template begins with #!/bin/bash"
        raise ConfigError(message, hint="The job script is run by bash.")
    _check_names(text, path)
    _check_parts(text, path)
    return text


def fill_template(text: str, parts: ScriptParts, value: Callable[[str], str]) -> str:
    """Return the job script; `value` gives what a placeholder stands for."""
    pieces = []
    for before, name in split(text):
        pieces.append(before)
        if name in PARTS:
            pieces.append(getattr(parts, name).strip("\n"))
        elif name:
            pieces.append(quote(value(name)))
    return "".join(pieces)


def _check_names(text: str, path: Path) -> None:
    for position, name in placeholders(text):
        if name not in (*PARTS, *VALUES):
            line = text.count("\n", 0, position) + 1
            message = f"{path}, line {line}: unknown placeholder {{{name}}}"
            hint = f"Known are {', '.join((*PARTS, *VALUES))}; {{{{{name}}}}} stands for itself."
            raise ConfigError(message, hint=hint)


def _check_parts(text: str, path: Path) -> None:
    """Let each part stand alone on its line, once and in order, or nothing runs as it should."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        names = [name for _, name in placeholders(line) if name in PARTS]
        if names and line.strip() != f"{{{names[0]}}}":
            message = f"{path}, line {number}: {{{names[0]}}} must stand alone on its line"
            raise ConfigError(message)
        found += names
    if found != list(PARTS):
        wanted = ", ".join(f"{{{name}}}" for name in PARTS)
        message = f"{path}: a template holds {wanted}, each once and in this order"
        raise ConfigError(message, hint=f"This one has: {', '.join(found) or 'none of them'}.")
