"""This end's terminal: who gets one over there, and how ours is left."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("see tests/windows/test_run.py", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere

import termios  # noqa: E402

from qxub.transport import terminal_opcodes as opcodes  # noqa: E402
from qxub.transport.local_terminal import (  # noqa: E402
    StandardInput,
    local_pty,
    raw_mode,
    wants_pty,
)
from tests.real.terminal_posix import Terminal, terminal  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def seen() -> Iterator[Terminal]:
    with terminal() as opened:
        yield opened


@pytest.mark.parametrize("request_tty", ["false", "true", "force", "auto"])
def test_who_gets_a_pty(seen: Terminal, request_tty: str, caplog: pytest.LogCaptureFixture) -> None:
    """Every combination of the two ends, with a command and without."""
    caplog.set_level(logging.WARNING)
    file = os.open(os.devnull, os.O_RDWR)
    for stdin, stdout, has_command in itertools.product(
        (seen.inner, file, None), (seen.inner, file, None), (True, False)
    ):
        caplog.clear()
        wants = wants_pty(request_tty, has_command=has_command, stdin=stdin, stdout=stdout)
        expected = {
            "false": False,
            "true": stdin == seen.inner,
            "force": True,
            "auto": stdin == stdout == seen.inner and not has_command,
        }
        assert wants == expected[request_tty], (stdin, stdout, has_command)
        is_warned = request_tty == "true" and stdin != seen.inner
        assert ("Pseudo-terminal will not be allocated" in caplog.text) == is_warned
    os.close(file)


def test_a_special_character_that_is_off_is_255(seen: Terminal) -> None:
    modes = seen.modes()
    modes[6][termios.VSUSP] = bytes([os.fpathconf(seen.inner, "PC_VDISABLE")])
    modes[4] = modes[5] = termios.B9600
    termios.tcsetattr(seen.inner, termios.TCSANOW, modes)
    found = local_pty(seen.inner).modes
    assert found[opcodes.SPECIAL_CHARACTERS["VSUSP"]] == 255
    assert found[opcodes.SPECIAL_CHARACTERS["VINTR"]] == 3
    assert [found[code] for code in opcodes.SPEEDS.values()] == [9600, 9600]
    assert found[opcodes.LOCAL_FLAGS["ECHO"]] == 1


def test_term(seen: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "vt100")
    assert local_pty(seen.inner).term == "vt100"
    assert local_pty(seen.inner, term="ansi").term == "ansi"
    monkeypatch.delenv("TERM")
    assert local_pty(None).term == "dumb"
    assert not local_pty(None).modes


def test_raw_mode_ends_with_the_block(seen: Terminal) -> None:
    before = seen.modes()

    def fail_in_it() -> None:
        with raw_mode(seen.inner):
            assert not seen.modes()[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
            raise KeyError

    with pytest.raises(KeyError):
        fail_in_it()
    assert seen.modes() == before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_type_ahead_is_kept(seen: Terminal) -> None:
    seen.press(b"before\n")
    with raw_mode(seen.inner):
        seen.press(b"within\n")
        assert os.read(seen.inner, 7) == b"before\n"
    assert os.read(seen.inner, 100) == b"within\n"


def test_a_terminal_that_goes_is_at_its_end(seen: Terminal) -> None:
    with StandardInput(seen.inner) as stdin:
        seen.hang_up()
        assert stdin.read(100) == b""


RAW = """
import os, signal, sys
from qxub.transport.local_terminal import raw_mode
with raw_mode(0):
    os.write(1, b"raw")
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_raw_mode_ends_with_the_process(seen: Terminal, number: int, tmp_path: Path) -> None:
    """Also by a signal that nobody handles."""
    before = seen.modes()
    with seen.running([sys.executable, "-c", RAW], {**os.environ}, tmp_path):
        seen.wait_for("raw")
        assert seen.modes() != before
        os.kill(seen.program(), number)
        assert seen.exit_status() == -number
        assert seen.modes() == before


def test_importing_it_needs_no_posix_module() -> None:
    code = "import qxub.transport.local_terminal, sys; sys.exit('termios' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0
