"""`qxub` as users and programs call it: a process with its own files."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING, BinaryIO

import pytest

from tests.cli.blocked import RUN_QXUB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = subprocess.CompletedProcess[bytes]


class Qxub:
    """Calls qxub with a configuration and a state directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "config" / "qxub" / "config.yaml"
        self.config.parent.mkdir(parents=True)
        self.config.write_text("scheduler: local\n")
        self.launcher = ["-m", "qxub"]
        self.runs = directory / "state" / "qxub" / "runs"
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("QXUB_")},
            "XDG_CONFIG_HOME": str(directory / "config"),
            "XDG_STATE_HOME": str(directory / "state"),
        }

    def block(self) -> None:
        """From now on, run it without POSIX modules, and without a PATH to start programs from."""
        self.launcher = ["-c", RUN_QXUB]
        self.environment.update(PATH="", USERNAME="me")  # as Windows has it

    def __call__(self, *words: str) -> Result:
        """Run it to its end."""
        with self.start(*words) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(
        self,
        *words: str,
        stdout: int | BinaryIO = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start it and return at once."""
        return subprocess.Popen(
            [sys.executable, *self.launcher, *words],
            cwd=self.directory,
            env=self.environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )


@pytest.fixture
def qxub(tmp_path: Path) -> Callable[..., Result]:
    return Qxub(tmp_path)


@pytest.fixture(params=["as it is"] if sys.platform == "win32" else ["as it is", "blocked"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Qxub:
    """A qxub that acts as a client only, so that it must also run where POSIX is blocked."""
    client = Qxub(tmp_path)
    if request.param == "blocked":
        client.block()
    return client
