"""Where qxub keeps its files (XDG Base Directory Specification 0.8)."""

from __future__ import annotations

import os
from pathlib import Path


def config_file() -> Path:
    """Return the user's configuration file; it need not exist."""
    return _base("XDG_CONFIG_HOME", ".config") / "qxub" / "config.yaml"


def state_directory() -> Path:
    """Return the directory of runs and of the embedded scheduler; it need not exist."""
    return _base("XDG_STATE_HOME", ".local/state") / "qxub"


def _base(variable: str, below_home: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification: a relative path in these variables is invalid and is to be ignored.
    return Path(value) if Path(value).is_absolute() else Path.home() / below_home
