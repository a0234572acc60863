"""A user with an ssh_config of their own, whatever this machine's user has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Qxub, Result


@dataclass
class User:
    """Calls `qxub ssh` with a home of its own, in which no file is yet."""

    qxub: Qxub
    home: Path

    @property
    def config(self) -> Path:
        return self.home / ".ssh" / "config"

    def write(self, content: str | bytes, name: str = "config") -> Path:
        """Write a file of ~/.ssh."""
        file = self.home / ".ssh" / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(0o600)
        return file

    def ssh(self, *words: str) -> Result:
        return self.qxub("ssh", *words)

    def told(self, status: int, *words: str) -> str:
        """Return stderr of a call that ends with `status`."""
        done = self.ssh(*words)
        stderr = done.stderr.decode()
        assert "Traceback" not in stderr
        assert done.returncode == status, stderr
        return stderr.replace("\r\n", "\n")

    def shown(self, *words: str) -> str:
        """Return stdout of a call that goes well and has nothing to say on stderr."""
        done = self.ssh(*words)
        assert (done.returncode, done.stderr) == (0, b""), done.stderr
        return done.stdout.decode().replace("\r\n", "\n")


@pytest.fixture
def user(qxub: Qxub) -> User:
    home = qxub.directory / "Ann Example"
    home.mkdir()
    qxub.environment.update(HOME=str(home), USERPROFILE=str(home), USER="ann", USERNAME="ann")
    return User(qxub, home)
