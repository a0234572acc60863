"""How much of what is mere repetition."""

from __future__ import annotations

import os


def scaled_by(full: int, variable: str) -> int:
    """As many, or as much, as the variable of the environment leaves of it: a percentage."""
    return max(1, full * int(os.environ.get(variable, "100")) // 100)
