"""Real parts (OpenSSH's sshd, Slurm) are optional on a laptop and required in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def require(part: str, reason: str) -> NoReturn:
    """Skip the running test because `part` is missing; fail if QXUB_REQUIRE names the part.

    QXUB_REQUIRE holds the names of parts that must be there, separated by spaces: "sshd slurm".
    """
    message = f"{part} is missing: {reason}"
    if part in os.environ.get("QXUB_REQUIRE", "").split():
        pytest.fail(f"{message} (QXUB_REQUIRE names it)", pytrace=False)
    pytest.skip(message)
