"""A login node on the in-process SSH server: a real bash, a home, and a qxub to choose."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from typing import TYPE_CHECKING

from qxub.config.settings import RemoteSection
from qxub.transport.server_process import serve_subprocess
from tests.fakes.ssh_host import FakeHost, fake_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport.session import Session

REAL_QXUB = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m qxub "$@"\n'


class Cluster:
    """The directories of the far side, and how a client names it."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.work = directory / "work dir"
        self.bin = directory / "bin"
        self.state = self.home / ".local" / "state" / "qxub"
        for path in (self.home / ".config" / "qxub", self.work, self.bin):
            path.mkdir(parents=True)
        self.config = self.home / ".config" / "qxub" / "config.yaml"
        self.config.write_text("scheduler: local\n")
        self.install(REAL_QXUB)

    @property
    def environment(self) -> dict[str, str]:
        """What a login finds in its environment."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {**kept, "HOME": str(self.home)}

    @property
    def conda_init(self) -> str:
        """The block that makes this cluster's own qxub and files the ones that are used."""
        assignments = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "XDG_CONFIG_HOME": self.home / ".config",
            "XDG_STATE_HOME": self.home / ".local" / "state",
        }
        words = (f"{name}={shlex.quote(str(value))}" for name, value in assignments.items())
        return f"export {' '.join(words)}"

    def install(self, script: str) -> None:
        """Make `script` the qxub of this cluster."""
        qxub = self.bin / "qxub"
        qxub.write_text(script)
        qxub.chmod(0o755)

    def remote(self, ssh_config: Path) -> RemoteSection:
        """Return the `remote:` section that leads here."""
        return RemoteSection("target", str(self.work), self.conda_init, ssh_config)

    def client_config(self, file: Path, ssh_config: Path, extra: str = "") -> Path:
        """Write a client's configuration with this cluster as platform `x`; return `file`."""
        file.write_text(
            "platforms:\n"
            "  x:\n"
            f"    {extra}\n"
            "    remote:\n"
            "      host: target\n"
            f"      working_dir: {shlex.quote(str(self.work))}\n"
            f"      conda_init: |\n        {self.conda_init}\n"
            f"      ssh_config: {shlex.quote(str(ssh_config))}\n"
        )
        return file

    def log_in(self, session: Session) -> None:
        """Serve one SSH session by a real shell."""
        argv = shlex.split(session.command.decode())
        serve_subprocess(session, argv, env=self.environment, cwd=self.home)


@contextlib.contextmanager
def fake_cluster(directory: Path) -> Iterator[tuple[Cluster, FakeHost]]:
    """Run a cluster behind the in-process server."""
    cluster = Cluster(directory / "cluster")
    with fake_host(directory / "client", handler=cluster.log_in) as host:
        yield cluster, host
