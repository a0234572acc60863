"""A wait for what comes in its own time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 100) -> None:
    """Look again and again until the condition holds; AssertionError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for more than {seconds:.0f} s"
        time.sleep(0.02)
