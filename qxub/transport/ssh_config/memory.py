"""Lines read as far as that goes without a machine, and remembered for when they come again.

Large files are mostly blocks of other hosts, with the same few lines in each. What this module does
makes a look-up in 2,000 blocks take no longer than OpenSSH's; it changes no answer.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from qxub.transport.ssh_config import values
from qxub.transport.ssh_config.keywords import KEYWORDS, Keyword
from qxub.transport.ssh_config.lines import split_arguments, split_line

MOST_LINES, LONGEST_LINE = 16384, 256
"""how many lines are remembered, and up to what length"""

_WORD = r"[!$-&(-<>-\[\]-~]+"  # printable ASCII but for quotes, backslash, "#" and "="
_SIMPLE = re.compile(rf"[ \t]*([A-Za-z]+)[ \t]+({_WORD}(?:[ \t]+{_WORD})*)[ \t]*")
_STRINGS = "|".join(name for name, keyword in KEYWORDS.items() if keyword.kind is values.STRING)
_FLAGS = re.IGNORECASE | re.ASCII

# A line that sets a keyword that may have any text to a plain one.
_surely_valid = re.compile(rf"[ \t]*(?:{_STRINGS})[ \t]+[a-z0-9._~/@:%-]+", _FLAGS).fullmatch

plain_hosts = re.compile(r"[ \t]*host[ \t][a-z0-9._ \t-]*[a-z0-9._-]", _FLAGS).fullmatch
"""takes a Host line with plain names only: it is for no host that is not in its text"""


class Line(NamedTuple):
    """A line, read as far as that goes without a machine. `problem` says what is wrong with it.

    The value of Host, Match, Include and an unknown keyword is the arguments. A line that is inert
    says nothing at all where it does not apply.
    """

    name: str
    keyword: Keyword | None
    value: Any
    problem: str = ""
    is_inert: bool = False


NEW = Line("", None, None)
"""what `remembered` is asked to give for a line that it does not have"""

UNREAD = Line("", None, None, is_inert=True)
"""a line that is surely valid, and that nobody had to read yet"""

remembered: dict[str, Line | None] = {}


def read_line(text: str) -> Line | None:
    """Read one line; None for a comment or a blank one."""
    simple = _SIMPLE.fullmatch(text)
    split = (simple[1].lower(), simple[2]) if simple else split_line(text)
    if split is None:
        return None
    name, rest = split
    keyword = KEYWORDS.get(name)
    if not rest:
        return Line(name, keyword, None, "has no value")
    try:
        arguments = simple[2].split() if simple else split_arguments(rest)
        if keyword is None:
            return Line(name, None, arguments)
        value = keyword.kind.parse(rest if keyword.kind.raw else arguments)
    except ValueError as error:
        return Line(name, keyword, None, str(error))
    is_complete = keyword.kind.complete is None or isinstance(value, int)
    return Line(name, keyword, value, is_inert=is_complete)


def learn(text: str, applies: bool) -> Line | None:
    """Read a line and remember it; where nothing applies, one that is surely valid stays unread."""
    skipped = not applies and text[:1].isspace() and _surely_valid(text)
    line = UNREAD if skipped else read_line(text)
    if len(text) <= LONGEST_LINE and len(remembered) < MOST_LINES:
        remembered[text] = line
    return line
