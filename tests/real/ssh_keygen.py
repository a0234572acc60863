"""OpenSSH's ssh-keygen: host certificates, hashed names and key revocation lists as they are."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.real.requirements import require

if TYPE_CHECKING:
    from pathlib import Path


def ssh_keygen(*words: str | Path) -> str:
    """Run ssh-keygen, and give what it says. Without it the test is skipped, or fails."""
    program = shutil.which("ssh-keygen")
    if program is None:
        require("sshd", "no ssh-keygen on PATH")
    argv = [program, *(str(word) for word in words)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def certify(key: Path, authority: Path, *words: str) -> Path:
    """Sign the public half of a key file as a host's, and give the certificate's file."""
    public = key.with_name(key.name + ".pub")
    ssh_keygen("-q", "-s", authority, "-h", "-I", "a host", *words, public)
    return key.with_name(key.name + "-cert.pub")
