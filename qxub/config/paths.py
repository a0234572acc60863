"""Where qxub keeps its files. The places themselves are platformdirs's knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qxub import system

if TYPE_CHECKING:
    from pathlib import Path


def config_file() -> Path:
    """Return the user's configuration file; it need not exist."""
    return system.config_directory() / "config.yaml"


def state_directory() -> Path:
    """Return the directory of runs and of the embedded scheduler; it need not exist."""
    return system.state_directory()
