"""Text with {name} in it: what users write in paths of logs and in templates of job scripts.

`{name}` (small letters and underscores) is a placeholder, `{{name}}` is the text `{name}`, and
everything else stands for itself: `${HOME}`, `{ echo; }`, `{1..3}` and lone braces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}|(?<![\${])\{([a-z_]+)\}")
_VARIABLE = re.compile(r"\$\{\{([A-Za-z_]\w*)\}\}|\$\{([A-Za-z_]\w*)\}", re.ASCII)


def placeholders(text: str) -> Iterator[tuple[int, str]]:
    """Return the position and the name of each placeholder, in order."""
    return ((found.start(), found[2]) for found in _PLACEHOLDER.finditer(text) if found[2])


def check_placeholders(text: str, known: Collection[str]) -> str:
    """Return `text`. Raises ValueError where it holds a placeholder that is not known."""
    for _, name in placeholders(text):
        if name not in known:
            message = f"{text!r}: unknown {{{name}}}; known are {', '.join(known)}"
            raise ValueError(message)
    return text


def split(text: str) -> Iterator[tuple[str, str]]:
    """Return pieces of the text, each with the name of the placeholder after it, or "" for none."""
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        literal = f"{{{found[1]}}}" if found[1] else ""
        yield text[end : found.start()] + literal, found[2] or ""
        end = found.end()
    yield text[end:], ""


def expand_variables(text: str, environment: Mapping[str, str]) -> str:
    """Put values of the environment in for ${NAME}, and ${NAME} in for ${{NAME}}.

    Raises ValueError for a NAME that is not set.
    """

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return f"${{{found[1]}}}"
        if found[2] not in environment:
            message = f"${{{found[2]}}} is not set here; ${{{{{found[2]}}}}} is left for the job"
            raise ValueError(message)
        return environment[found[2]]

    return _VARIABLE.sub(value, text)
