"""SSH_ASKPASS: a program that asks in a window, where there is no terminal (ssh(1))."""

from __future__ import annotations

import os
import subprocess

_REQUIRE = "SSH_ASKPASS_REQUIRE"


def is_preferred() -> bool:
    """Return whether the program is to be used even where there is a terminal."""
    return bool(_program()) and os.environ.get(_REQUIRE, "").lower() in {"force", "prefer"}


def ask(text: str) -> str | None:
    """Run the program with the question as its argument; its first line of output is the answer.

    None: there is no such program, or it was left without an answer.
    """
    program = _program()
    if not program:
        return None
    try:
        done = subprocess.run(
            [program, text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
    except OSError:
        return None  # as ssh does; the login tells that nobody answered
    if done.returncode != 0 or not done.stdout:
        return None
    line = done.stdout.decode("utf-8", "surrogateescape").split("\n", 1)[0]
    return line.rstrip("\r")


def _program() -> str | None:
    if os.environ.get(_REQUIRE, "").lower() == "never":
        return None
    return os.environ.get("SSH_ASKPASS") or None
