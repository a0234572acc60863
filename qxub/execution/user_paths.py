"""Paths as users write them, on the machine that submits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qxub.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def user_path(text: str, base: Path) -> Path:
    """Return the path: a relative one is below `base`, and ~ is the home directory.

    Most shells leave the ~ in --out=~/x alone. Raises UsageError where nobody's home is known.
    """
    expanded = os.path.expanduser(text)  # noqa: PTH111 - Path's own fails in the same case
    if expanded.startswith("~"):
        message = f"{text}: no home directory is known for {text.partition('/')[0]}"
        raise UsageError(message, hint=f"Write ./{text} for a name that begins with ~.")
    return base / expanded
