"""What the tests of running jobs share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.execution.local_queue import LocalQueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[LocalQueue]:
    """A queue of its own; no job of it outlives the test."""
    yield LocalQueue(tmp_path)
    if sys.platform != "win32":
        from qxub.execution.local_batch.queue_posix import LocalBatch

        LocalBatch(tmp_path / "state" / "qxub").end_all()
