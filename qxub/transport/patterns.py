"""Pattern lists as OpenSSH matches them (ssh_config(5), PATTERNS).

Only `*` and `?` are special, and case counts. No pattern costs more than the product of its length
and the text's, whatever its stars.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_STARS = re.compile(r"[*?]*\*[*?]*")


def matches(text: str, pattern: str) -> bool:
    """Whether one pattern takes the whole of `text`."""
    if "*" not in pattern:
        return text == pattern or ("?" in pattern and _equal(text, pattern))
    if len(pattern) - pattern.count("*") > len(text):
        return False
    if "*?" in pattern:
        pattern = _STARS.sub(_in_order, pattern)
    first, *middle, last = pattern.split("*")
    position, end = len(first), len(text) - len(last)
    if position > end or not _equal(text[:position], first) or not _equal(text[end:], last):
        return False
    for piece in filter(None, middle):
        position = _find(text, piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def matches_any(text: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern list takes `text`: one pattern matches, and none written with "!" does."""
    found = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if matches(text, pattern[1:]):
                return False
        elif matches(text, pattern):
            found = True
    return found


def _in_order(stars: re.Match[str]) -> str:
    """Write `*?*?` as `??*`, which takes the same and is quicker to look for."""
    return "?" * stars[0].count("?") + "*"


def _equal(text: str, piece: str) -> bool:
    """Whether `piece`, which has no star, takes `text`."""
    if "?" not in piece:
        return text == piece
    return len(text) == len(piece) and all(p in ("?", t) for t, p in zip(text, piece))


def _find(text: str, piece: str, start: int, end: int) -> int:
    if "?" not in piece:
        return text.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((at for at in places if _equal(text[at : at + len(piece)], piece)), -1)
