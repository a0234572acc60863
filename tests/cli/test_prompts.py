"""Asking at a terminal of its own, and through SSH_ASKPASS; the process is a real one."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("see tests/windows/test_login.py", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
import sys
from qxub.cli.prompts import TerminalPrompter
answer = TerminalPrompter().ask("Code: ", echo=sys.argv[1] == "echo")
sys.stdout.write(ascii(answer))
"""


def ask_with(*, echo: bool, **environment: str) -> str:
    """Ask in a process without a terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SSH_ASK")}
    return subprocess.run(
        [sys.executable, "-c", ASK, "echo" if echo else "secret"],
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=True,
    ).stdout


def program(file: Path, script: str) -> str:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)
    return str(file)


def test_nobody_is_there() -> None:
    assert ask_with(echo=False) == "None"


def test_askpass_answers(tmp_path: Path) -> None:
    asking = program(tmp_path / "ask", 'printf "%s\\nmore\\n" "<$1>"')
    assert ask_with(echo=False, SSH_ASKPASS=asking) == "'<Code: >'"
    assert ask_with(echo=True, SSH_ASKPASS=asking) == "'<Code: >'"
    assert ask_with(echo=False, SSH_ASKPASS=asking, SSH_ASKPASS_REQUIRE="never") == "None"


@pytest.mark.parametrize("script", ["exit 1", "echo x; exit 1", ":"])
def test_askpass_without_an_answer(tmp_path: Path, script: str) -> None:
    assert ask_with(echo=False, SSH_ASKPASS=program(tmp_path / "ask", script)) == "None"


def test_askpass_that_is_not_there(tmp_path: Path) -> None:
    assert ask_with(echo=False, SSH_ASKPASS=str(tmp_path / "none")) == "None"


def at_terminal(keys: bytes, output: Path, *, echo: bool, **environment: str) -> tuple[str, str]:
    """Ask at a pseudo-terminal, with stdin and stdout elsewhere; give the screen and the answer."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:  # the child must do little between fork and exec
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT, 0o600), 1)
        argv = [sys.executable, "-c", ASK, "echo" if echo else "secret"]
        os.execve(sys.executable, argv, {**os.environ, **environment})  # noqa: S606
    screen, deadline, typed = b"", time.monotonic() + 60, False
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            more = os.read(terminal, 1024)
        except OSError:  # the end, on Linux
            more = b""
        if not more:
            break
        screen += more
        if b"Code: " in screen and not typed:
            os.write(terminal, keys)
            typed = True
    os.close(terminal)
    os.waitpid(pid, 0)
    return screen.decode(), output.read_text()


def test_a_code_is_shown_and_a_password_is_not(tmp_path: Path) -> None:
    screen, answer = at_terminal("pÄss\n".encode(), tmp_path / "a", echo=False)
    assert (screen, answer) == ("Code: \r\n", "'p\\xc4ss'")
    screen, answer = at_terminal(b"123456\n", tmp_path / "b", echo=True)
    assert (screen, answer) == ("Code: 123456\r\n", "'123456'")


def test_end_of_file_is_no_answer(tmp_path: Path) -> None:
    assert at_terminal(b"\x04", tmp_path / "a", echo=False) == ("Code: \r\n", "None")


def test_askpass_is_preferred_to_a_terminal(tmp_path: Path) -> None:
    asking = program(tmp_path / "ask", "echo window")
    screen, answer = at_terminal(
        b"", tmp_path / "a", echo=False, SSH_ASKPASS=asking, SSH_ASKPASS_REQUIRE="force"
    )
    assert (screen, answer) == ("", "'window'")
