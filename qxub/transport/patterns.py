"""Pattern lists as OpenSSH matches them (ssh_config(5), PATTERNS)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    pattern = re.sub(r"\*+", "*", pattern)  # runs of stars mean one, and would match slowly
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(c) or re.escape(c) for c in pattern), re.DOTALL)


def matches_any(text: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern list takes `text`: one pattern matches, and none written with "!" does.

    Only `*` and `?` are special, and case counts.
    """
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if _expression(pattern[1:] if negated else pattern).fullmatch(text):
            if negated:
                return False
            found = True
    return found
