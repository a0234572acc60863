"""The mark of tests that need the machine where jobs run."""

from __future__ import annotations

import shutil
import sys

import pytest

runs_jobs = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None,
    reason="jobs run on POSIX systems with bash",
)
