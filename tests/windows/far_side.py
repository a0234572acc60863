"""The cluster that a Windows laptop reaches: a real sshd, and this checkout's qxub behind it."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.real.sshd import Sshd

CONFIG = """\
platforms:
  far:
    remote:
      host: far
      working_dir: {working_dir}
      conda_init: |
        export PATH={bin}:$PATH {assignments}
"""

CONFIG_FILE = "AppData/Local/qxub/config.yaml"
"""its default place in the profile"""

SSH_CONFIG = """\
Host far
    HostName {host}
    Port {port}
    User {user}
"""


@dataclass(frozen=True)
class FarSide:
    """A login node, in `directory`; its sshd, and what its `conda_init` exports."""

    sshd: Sshd
    directory: Path
    environment: Mapping[str, str]

    @property
    def working_dir(self) -> Path:
        return self.directory / "scratch"

    @property
    def state(self) -> Path:
        """Where the far qxub keeps its runs."""
        return self.directory / "state" / "qxub"

    def lay_out(self, scheduler: str) -> None:
        """Make the directories, a qxub that only conda_init puts on PATH, and its configuration."""
        for name in ("bin", "config/qxub", "scratch"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "config/qxub/config.yaml").write_text(f"scheduler: {scheduler}\n")
        program = self.directory / "bin" / "qxub"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m qxub "$@"\n')
        program.chmod(0o755)

    def config(self) -> str:
        """The laptop's config.yaml, with the platform `far`."""
        exported = {
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "XDG_STATE_HOME": str(self.directory / "state"),
            **self.environment,
        }
        return CONFIG.format(
            working_dir=json.dumps(str(self.working_dir)),
            bin=shlex.quote(str(self.directory / "bin")),
            assignments=" ".join(f"{name}={shlex.quote(text)}" for name, text in exported.items()),
        )

    def write_ssh_files(self, profile: Path) -> None:
        """Write config, known_hosts and key in their default places, with Windows' line ends."""
        (profile / ".ssh").mkdir()
        config = SSH_CONFIG.format(host=self.sshd.host, port=self.sshd.port, user=self.sshd.user)
        for name, text in (
            ("config", config),
            ("known_hosts", self.sshd.known_hosts.read_text()),
            ("id_ed25519", self.sshd.client_key.read_text()),
        ):
            (profile / ".ssh" / name).write_bytes(text.replace("\n", "\r\n").encode())

    def write_user_files(self, profile: Path) -> None:
        """Write ssh's files, and the configuration in its default place."""
        self.write_ssh_files(profile)
        (profile / CONFIG_FILE).parent.mkdir(parents=True)
        (profile / CONFIG_FILE).write_text(self.config())
