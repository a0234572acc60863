"""`qxub ssh run` on Windows: from cmd, and at a real console."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.both_streams import random_bytes
from tests.windows.far_side import FarSide

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.real.sshd import Sshd
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows
if sys.platform == "win32":
    pytest.skip("Wine's console is drawn on a pseudo-terminal", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere
from tests.windows import console_posix  # noqa: E402 - see above

RUN = "qxub ssh run"
HELD_OPEN = """\
import subprocess
with subprocess.Popen("qxub ssh run far echo x", stdin=-1, stdout=-1) as process:
    print(process.stdout.read(), process.wait())
"""

# Resizes the console when a file `go` appears.
RESIZE = """\
import ctypes, msvcrt, os, subprocess, sys, time
line = "trap 'stty size; exit 6' WINCH; echo ready; while :; do sleep 0.05; done"
with subprocess.Popen(["qxub", "ssh", "run", "-t", "far", line]) as process:
    while not os.path.exists("go"):
        time.sleep(0.05)
    screen, corners = ctypes.c_void_p(msvcrt.get_osfhandle(1)), (ctypes.c_short * 4)(0, 0, 99, 19)
    assert ctypes.windll.kernel32.SetConsoleWindowInfo(screen, 1, corners)
sys.exit(process.returncode)
"""
# Types characters as a keyboard does: a key each, and others that type nothing.
KEYS = r"""
import ctypes
from qxub.transport import _console_windows as windows
from qxub.transport.local_terminal import StandardInput, raw_mode
keyboard, screen = windows.console_of(0), windows.console_of(1)
def modes():
    return windows.console_mode(keyboard), windows.console_mode(screen)
def press(*keys):
    events = [windows._InputRecord(1, down, times, key, 0, code) for down, times, key, code in keys]
    records, done = (windows._InputRecord * len(events))(*events), ctypes.c_uint()
    write = ctypes.windll.kernel32.WriteConsoleInputW
    assert write(ctypes.c_void_p(keyboard), records, len(records), ctypes.byref(done))
before = modes()
with raw_mode(0), StandardInput(0) as source:
    print("another mode" if modes() != before else "the same mode")
    utf_16 = "\u00e9\U0001f600\x03\x1a\r".encode("utf-16-le")
    codes = [int.from_bytes(utf_16[at : at + 2], "little") for at in range(0, len(utf_16), 2)]
    press((1, 1, 0x10, 0), *((down, 1, 0, code) for code in codes for down in (1, 0)))
    press((1, 3, 0, ord("z")), (0, 1, 0x12, 0x20AC))
    typed = b""
    while not typed.endswith("\u20ac".encode()):
        typed += source.read(100)
    print(typed.hex())
print("as before" if modes() == before else "changed")
"""


@pytest.fixture
def user(prompt: Prompt, user_sshd: Sshd, tmp_path: Path) -> Prompt:
    """A prompt whose user's `far` passes signals on."""
    FarSide(user_sshd, tmp_path, {}).write_ssh_files(prompt.profile)
    return prompt


def at_console(
    prompt: Prompt, line: str, act: Callable[[console_posix.Console], None]
) -> tuple[int, str]:
    """Run a line on a console and act there; return the exit status, and the screen."""

    def run() -> tuple[int, str]:
        with console_posix.typed_on_console(prompt, line) as console:
            act(console)
            return console.exit_status(), console.screen

    return prompt.wine.outlive(run)


def test_bytes_and_the_exit_status(user: Prompt) -> None:
    ended = user.type(rf"""{RUN} far "printf '\000\377\r\n\032'; printf '\200' >&2; exit 7" """)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, b"\0\xff\r\n\x1a", b"\x80")


def test_stdin(user: Prompt) -> None:
    """From a file, from NUL, and from a pipe that nobody writes to and nobody closes."""
    data = b"\x1a\r\n\n" + random_bytes(1, 300_000)
    (user.profile / "data").write_bytes(data)
    (user.profile / "held.py").write_text(HELD_OPEN)
    ended = user.type(f"{RUN} far cat <data & {RUN} far cat <nul & python held.py")
    assert (ended.stdout, ended.stderr) == (data + b"b'x\\n' 0\r\n", b"")


def test_a_terminal_of_the_console_s_size(user: Prompt) -> None:
    """And a character that comes in two parts is shown as one."""
    shows = r"printf '\303'; sleep 0.3; printf '\251\n'; stty size; echo $TERM; exit 5"
    status, screen = at_console(user, f'{RUN} -t far "{shows}"', lambda _: None)
    size = f"{console_posix.ROWS} {console_posix.COLUMNS}"
    assert status == 5, screen
    assert screen.startswith("é"), screen
    assert re.search(rf"{size}\s+xterm-256color", screen), screen


def test_the_console_s_size_is_followed(user: Prompt) -> None:
    (user.profile / "resize.py").write_text(RESIZE)

    def resize(console: console_posix.Console) -> None:
        console.wait_for("ready")
        (user.profile / "go").touch()

    status, screen = at_console(user, "python resize.py", resize)
    assert status == 6, screen
    assert "20 100" in screen


def test_keys_become_utf_8(prompt: Prompt) -> None:
    (prompt.profile / "keys.py").write_text(KEYS)
    status, screen = at_console(prompt, "python keys.py", lambda _: None)
    assert status == 0, screen
    typed = "é😀\x03\x1a\rzzz€".encode().hex()
    assert screen.split("\n")[:3] == ["another mode", typed, "as before"]


def test_keys_at_a_login_shell(user: Prompt) -> None:
    def type_there(console: console_posix.Console) -> None:
        console.press("sh -c 'echo $((6*7)); exec sleep 100'\r")
        console.wait_for("42")
        console.press("\x03")
        console.press("exit 3\r")

    status, screen = at_console(user, f"{RUN} far", type_there)
    assert status == 3, screen
    assert "^C" in screen


def test_a_line_and_ctrl_c_without_a_terminal_over_there(user: Prompt) -> None:
    def answer(console: console_posix.Console) -> None:
        console.wait_for("?")
        console.press("abc\r")
        console.wait_for("[abc]")
        console.press("\x03")

    job = "read x; trap 'echo gone; exit 9' INT; echo [$x]; while :; do sleep 0.1; done"
    status, screen = at_console(user, f"""{RUN} far "echo '?'; {job}" """, answer)
    assert status == 9, screen
    assert "gone" in screen
