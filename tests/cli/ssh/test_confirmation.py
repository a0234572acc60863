"""`qxub ssh add` at a terminal: it asks, and looks again before it writes."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.ssh.conftest import User

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no pseudo-terminal")

SECONDS = 30.0
WORDS = ("ssh", "add", "gadi", "--hostname", "gadi.nci.org.au")


def answer(
    user: User, text: bytes, meanwhile: Callable[[], object] = lambda: None
) -> tuple[int, str]:
    """Answer the question when it comes; return the exit status and all that was said."""
    if sys.platform == "win32":  # for mypy
        raise NotImplementedError
    outer, inner = os.openpty()
    argv = [sys.executable, *user.qxub.launcher, *WORDS]
    environment = user.qxub.environment
    process = subprocess.Popen(argv, stdin=inner, stdout=inner, stderr=inner, env=environment)
    try:
        os.close(inner)
        said = _read_until(outer, b"[y/N]")
        meanwhile()
        os.write(outer, text)
        said += _read_until(outer, None)
        return process.wait(SECONDS), said.decode().replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(outer)


def _read_until(terminal: int, end: bytes | None) -> bytes:
    """Read until `end` has come, or else until the process has let go of the terminal."""
    said, deadline = b"", time.monotonic() + SECONDS
    while end is None or end not in said:
        ready = select.select([terminal], [], [], deadline - time.monotonic())[0]
        assert ready, said
        try:
            said += os.read(terminal, 1000)
        except OSError:  # EIO: nobody holds the other side any longer
            return said
    return said


def test_yes(user: User) -> None:
    status, said = answer(user, b"y\n")
    assert status == 0, said
    assert f"written: {user.config}" in said
    assert user.config.read_bytes() == b"Host gadi\n  HostName gadi.nci.org.au\n"


@pytest.mark.parametrize("text", [b"\n", b"n\n", b"\x04"])
def test_no(user: User, text: bytes) -> None:
    status, said = answer(user, text)
    assert status == 130, said
    assert "Traceback" not in said
    assert not user.config.parent.exists()


def test_a_file_that_was_changed_meanwhile(user: User) -> None:
    user.write("Host a\n")
    status, said = answer(user, b"y\n", lambda: user.write("Host b\n"))
    assert status == 78, said
    assert "has been changed in the meantime; nothing was written" in said
    assert user.config.read_bytes() == b"Host b\n"
    assert [*user.config.parent.iterdir()] == [user.config]
