"""Where a run is decided, checked and submitted."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qxub.config.settings import PlatformSection


class Mode(enum.Enum):
    """The three ways of `qxub exec`."""

    LOCAL = "local"
    """the scheduler is on this machine"""
    REMOTE = "remote"
    """checked here against the platform definition, then sent; decided there"""
    REMOTE_DELEGATED = "remote delegated"
    """sent as it is; checked and decided there"""


def execution_mode(platform: PlatformSection | None) -> Mode:
    """Return the mode that the platform's section of the configuration asks for."""
    if platform is None or platform.remote is None:
        return Mode.LOCAL
    return Mode.REMOTE if platform.definition else Mode.REMOTE_DELEGATED
