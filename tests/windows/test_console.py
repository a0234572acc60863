"""What a person sees and does at a real Windows console."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

if TYPE_CHECKING:
    from tests.windows.far_side import FarSide
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows
if sys.platform == "win32":
    pytest.skip("Wine's console is drawn on a pseudo-terminal", allow_module_level=True)
from tests.windows import console_posix  # noqa: E402 - see above

EXIT_7 = 'qxub exec --platform far -- sh -c "exit 7"'
UNKNOWN = "qxub exec --platform nowhere -- true"
CONSOLE_MODES = """\
import ctypes, subprocess
from ctypes import wintypes
kernel32 = ctypes.WinDLL("kernel32")
kernel32.GetStdHandle.restype = wintypes.HANDLE
kernel32.GetConsoleMode.argtypes = (wintypes.HANDLE, wintypes.LPDWORD)
def mode():
    found = wintypes.DWORD()
    assert kernel32.GetConsoleMode(kernel32.GetStdHandle(-11), ctypes.byref(found))
    return found.value
before = mode()
subprocess.call(["qxub", "--version"])
print("the same" if mode() == before else f"{before} became {mode()}")
"""


def look_at(prompt: Prompt, line: str) -> tuple[int, str, str]:
    """Run a line on a console; return its exit status, its screen, and what made the screen."""

    def look() -> tuple[int, str, str]:
        with console_posix.typed_on_console(prompt, line) as console:
            return console.exit_status(), console.screen, console.raw

    return prompt.wine.outlive(look)


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
    status, screen, _ = look_at(laptop, "qxub exec --platform far -- echo grüße 日本")
    assert status == 0, screen
    assert "grüße 日本" in screen
    assert re.search(r"qxub: job \S+ has started", screen)


@pytest.fixture
def locked(laptop: Prompt) -> Prompt:
    """A user whose key is encrypted under the passphrase "open Sesame 1"."""
    key_file = laptop.profile / ".ssh" / "id_ed25519"
    key = serialization.load_ssh_private_key(key_file.read_bytes(), None)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption(b"open Sesame 1"),
        )
    )
    return laptop


@pytest.mark.usefixtures("each_python")
def test_a_passphrase_is_asked_for_and_not_shown(locked: Prompt) -> None:
    def log_in() -> tuple[int, str]:
        with console_posix.typed_on_console(locked, EXIT_7) as console:
            question = f"Enter passphrase for key '{locked.path('.ssh', 'id_ed25519')}': "
            console.wait_for(question)
            console.press("wrong\r")
            console.wait_for(f"{question}\n{question}")
            console.press("open Sesame 1\r")
            return console.exit_status(), console.screen

    status, screen = locked.wine.outlive(log_in)
    assert status == 7, screen
    assert "wrong" not in screen
    assert "Sesame" not in screen


def test_ctrl_c_at_the_passphrase_ends_it(locked: Prompt) -> None:
    def interrupt() -> tuple[int, str]:
        with console_posix.typed_on_console(locked, EXIT_7) as console:
            console.wait_for("Enter passphrase for key ")
            console.press("ope\x03")
            return console.exit_status(), console.screen

    status, screen = locked.wine.outlive(interrupt)
    assert status == 130, screen
    assert "interrupted before anything was submitted" in screen


@pytest.mark.usefixtures("each_python")
def test_an_error_has_a_red_prefix(prompt: Prompt) -> None:
    status, screen, raw = look_at(prompt, UNKNOWN)
    assert (status, screen.splitlines()[0][:28]) == (2, "qxub: unknown platform 'nowh")
    assert "\x1b[31m\x1b[1mqxub:\x1b[0m unknown platform" in raw


@pytest.mark.parametrize("wish", ["NO_COLOR=1", "TERM=dumb"])
def test_who_wants_no_colours_gets_none(prompt: Prompt, wish: str) -> None:
    status, _, raw = look_at(prompt, f'cmd /s /c "set {wish}& {UNKNOWN}"')
    assert status == 2
    assert "qxub: unknown platform" in raw
    assert "\x1b[31m" not in raw


def test_the_job_s_own_colours_are_shown(laptop: Prompt) -> None:
    status, _, raw = look_at(laptop, r"qxub exec --platform far -- printf \033[35mtext\033[m")
    assert status == 0
    assert "\x1b[35mtext\x1b[m" in raw


def test_the_console_s_mode_is_left_as_it_was(prompt: Prompt) -> None:
    (prompt.profile / "modes.py").write_text(CONSOLE_MODES)
    _, screen, _ = look_at(prompt, "python modes.py")
    assert screen.splitlines()[-1] == "the same"
