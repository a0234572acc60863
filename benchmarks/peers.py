"""The other side of a comparison: programs run as a user would run them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import LeftOutError
from tests.real.chain import running_chain
from tests.real.sshd import find_sshd, running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.real.chain import Chain
    from tests.real.sshd import Sshd

DELAYING_PROXY = Path(__file__).with_name("delaying_proxy.py")
DELAY = 0.1
"""seconds, each way, of a server that is far away"""


def run(argv: Sequence[str]) -> None:
    """Run a program with its output thrown away. Raises CalledProcessError if it fails."""
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def find_ssh() -> str:
    """Find OpenSSH's client. Raises LeftOutError where it is missing."""
    ssh = shutil.which("ssh")
    if ssh is None:
        raise LeftOutError("OpenSSH's ssh is needed, and missing")
    return ssh


def ssh_argv(config: Path) -> list[str]:
    """Give the start of an `ssh` command line that goes by this ssh_config alone."""
    return [find_ssh(), "-F", str(config), "-o", "BatchMode=yes"]


def _need_openssh() -> None:
    find_ssh()
    if find_sshd() is None:
        raise LeftOutError("OpenSSH's sshd is needed, and missing")


@contextlib.contextmanager
def ssh_and_server(directory: Path) -> Iterator[tuple[list[str], Sshd]]:
    """Run an sshd of our own; give the start of an `ssh` command line to its host alias, and it.

    Raises LeftOutError where OpenSSH is missing.
    """
    _need_openssh()
    with running_sshd(directory) as server:
        yield ssh_argv(server.ssh_config), server


@contextlib.contextmanager
def ssh_and_chain(directory: Path) -> Iterator[tuple[list[str], Chain]]:
    """Run two bastions and a target; otherwise as `ssh_and_server`."""
    _need_openssh()
    with running_chain(directory) as chain:
        yield ssh_argv(chain.ssh_config), chain


@contextlib.contextmanager
def delaying_proxy(port: int, seconds: float) -> Iterator[int]:
    """Run a proxy before a loopback port, late by so much each way; give the proxy's port."""
    argv = [sys.executable, str(DELAYING_PROXY), str(port), str(seconds)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe) as proxy:  # whose end is that of its stdin
        yield int(proxy.stdout.readline()) if proxy.stdout else 0


@contextlib.contextmanager
def through_delay(server: Sshd, seconds: float) -> Iterator[Path]:
    """Give an ssh_config whose `target` is the server behind such a proxy."""
    with delaying_proxy(server.port, seconds) as port:
        config = server.directory / "ssh_config_delayed"
        config.write_text(
            f"Host target\n    Port {port}\n    HostKeyAlias [{server.host}]:{server.port}\n\n"
            + server.ssh_config.read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        yield config


@contextlib.contextmanager
def control_master(ssh: Sequence[str], directory: Path) -> Iterator[list[str]]:
    """Hold a connection open (ssh_config(5), ControlMaster); give an `ssh` that goes through it."""
    through = [*ssh, "-S", str(directory / "control")]
    with subprocess.Popen([*through, "-M", "-N", "target"], stdin=subprocess.DEVNULL) as master:
        try:
            while not _is_open(through):
                if master.poll() is not None:
                    raise LeftOutError(f"ssh -M ended with status {master.returncode}")
                time.sleep(0.05)
            yield through
        finally:
            master.terminate()


def _is_open(through: Sequence[str]) -> bool:
    check = subprocess.run([*through, "-O", "check", "target"], capture_output=True, check=False)
    return check.returncode == 0
