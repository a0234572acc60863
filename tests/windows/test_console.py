"""What a person sees and does at a real Windows console."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.windows.far_side import FarSide
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows
if sys.platform == "win32":
    pytest.skip("Wine's console is drawn on a pseudo-terminal", allow_module_level=True)
from tests.windows import console_posix  # noqa: E402 - see above


def test_ctrl_c_cancels_the_job(laptop: Prompt, far_side: FarSide) -> None:
    job = "trap 'echo gone > ended; exit 1' TERM INT; echo begun; while :; do sleep 0.1; done"
    line = f'qxub exec --platform far -- bash -c "{job}"'

    def interrupt() -> tuple[int, str]:
        with console_posix.typed_on_console(laptop, line) as console:
            console.wait_for("begun")
            console.press("\x03")
            return console.exit_status(), console.screen

    status, screen = laptop.wine.outlive(interrupt)
    assert status == 130, screen
    assert "cancelled" in screen
    assert (far_side.working_dir / "ended").read_text() == "gone\n"


def test_a_person_sees_the_steps_and_the_jobs_text(laptop: Prompt) -> None:
    def look() -> tuple[int, str]:
        line = "qxub exec --platform far -- echo grüße 日本"
        with console_posix.typed_on_console(laptop, line) as console:
            return console.exit_status(), console.screen

    status, screen = laptop.wine.outlive(look)
    assert status == 0, screen
    assert "grüße 日本" in screen
    assert re.search(r"qxub: job \S+ has started", screen)
