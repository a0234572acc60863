"""Colours are for a terminal, and for a user who wants them; Windows' is in tests/windows."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.posix import runs_jobs

if TYPE_CHECKING:
    from tests.cli.conftest import Qxub

ESCAPE = b"\x1b"
RED, DIM, RESET = b"\x1b[31m", b"\x1b[2m", b"\x1b[0m"
WRONG = ("exec", "--platform", "nowhere", "--", "true")
RIGHT = ("exec", "--", "sh", "-c", "echo out; echo err >&2")


def on_terminal(qxub: Qxub, *words: str) -> bytes:
    """Run it with a pseudo-terminal for stderr, and return what is written there."""
    terminal, inner = os.openpty()  # type: ignore[attr-defined,unused-ignore]
    with qxub.start(*words, stderr=inner) as process:
        os.close(inner)
        written = b""
        try:
            while data := os.read(terminal, 1000):
                written += data
        except OSError:  # EIO: nobody has the other side open any more (pty(7))
            pass
        process.communicate()
    os.close(terminal)
    return written.replace(b"\r\n", b"\n")


@pytest.fixture
def qxub(qxub: Qxub) -> Qxub:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        qxub.environment.pop(name, None)
    return qxub


@runs_jobs
def test_an_error_has_a_red_prefix_and_the_same_words(qxub: Qxub) -> None:
    written = on_terminal(qxub, *WRONG)
    assert written.startswith(RED)
    assert re.sub(rb"\x1b\[\d+m", b"", written) == qxub(*WRONG).stderr


@runs_jobs
def test_progress_stands_back_and_the_job_s_output_does_not(qxub: Qxub) -> None:
    written = on_terminal(qxub, *RIGHT)
    # The status line of a job that waits has gone again.
    lines = re.sub(rb"(\r[^\r\n]*)+\r", b"", written).splitlines()
    assert b"err" in lines
    lines.remove(b"err")
    assert lines
    assert all(line.startswith(DIM + b"qxub: ") and line.endswith(RESET) for line in lines)


@runs_jobs
@pytest.mark.parametrize(
    ("name", "text", "coloured"),
    [
        ("NO_COLOR", "1", False),
        ("NO_COLOR", "", True),
        ("TERM", "dumb", False),
        ("TERM", "xterm", True),
    ],
)
def test_who_wants_none_gets_none(qxub: Qxub, name: str, text: str, coloured: bool) -> None:
    qxub.environment[name] = text
    for words in (WRONG, RIGHT):
        assert (ESCAPE in on_terminal(qxub, *words)) == coloured


@pytest.mark.parametrize("name", ["TERM", "FORCE_COLOR", "CLICOLOR_FORCE"])
@pytest.mark.parametrize("words", [WRONG, ("exec", "--mem", "many", "--", "true"), ("--help",)])
def test_a_pipe_never_gets_an_escape_byte(qxub: Qxub, words: tuple[str, ...], name: str) -> None:
    qxub.environment[name] = "xterm-256color" if name == "TERM" else "1"
    done = qxub(*words)
    assert ESCAPE not in done.stdout + done.stderr


@runs_jobs
def test_a_pipe_gets_the_job_s_escape_bytes_and_no_others(qxub: Qxub) -> None:
    qxub.environment["TERM"] = "xterm-256color"
    done = qxub("exec", "-vv", "--", "printf", r"\033[31mred\033[m")
    assert done.stdout == b"\x1b[31mred\x1b[m"
    assert done.stderr
    assert ESCAPE not in done.stderr
