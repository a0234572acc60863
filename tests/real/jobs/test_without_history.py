"""Endings at a PBS that keeps no history, as OpenPBS does before anybody has configured it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.real.jobs.conftest import fake_pbs
from tests.real.jobs.sites import Desk, environment_without
from tests.real.jobs.test_endings import (  # noqa: F401 - the same scenarios, at the desk below
    test_ctrl_c_before_it_starts,
    test_ctrl_c_while_it_runs,
    test_deleted_by_another_hand_while_it_is_queued,
    test_deleted_by_another_hand_while_it_runs,
    test_memory,
    test_walltime,
)
from tests.real.jobs.test_waiting import (  # noqa: F401
    test_a_member_that_is_deleted_by_another_hand,
    test_after_the_failure_of_another,
    test_what_it_waits_for_never_comes,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    if sys.platform == "win32":
        pytest.skip("jobs run on POSIX systems")
    return Desk.at(fake_pbs(tmp_path / "pbs", environment_without("QXUB_"), "nohistory"), tmp_path)
