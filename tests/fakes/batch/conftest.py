"""A fake PBS for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.batch.harness import FakePbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pbs(tmp_path: Path) -> Iterator[FakePbs]:
    made = FakePbs(tmp_path)
    yield made
    made.end_all()
