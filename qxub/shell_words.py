"""Words of a job script, quoted for bash."""

from __future__ import annotations

import shlex


def quote(text: str) -> str:
    """Quote like shlex.quote, but with no carriage return: qsub takes no script with CR LF."""
    return shlex.quote(text).replace("\r", r"'$'\r''")
