"""OpenSSH's ssh-agent, on a Unix socket in a temporary directory."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def running_agent(address: Path) -> Iterator[Path]:
    """Run an agent without keys; where it is missing, see requirements.py."""
    program = shutil.which("ssh-agent")
    if program is None or shutil.which("ssh-add") is None:
        require("sshd", "no ssh-agent or ssh-add on PATH")
    with subprocess.Popen([program, "-D", "-a", address], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert b"SSH_AUTH_SOCK" in process.stdout.readline()
            yield address
        finally:
            process.terminate()
