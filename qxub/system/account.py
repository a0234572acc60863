"""Whose process this is."""

from __future__ import annotations

import getpass


def user_name() -> str | None:
    """Return the name of the user, or None where nothing here knows it."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # by release: no pwd, or no entry in it
        return None
