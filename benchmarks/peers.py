"""The other side of a comparison: programs run as a user would run them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.measure import LeftOutError
from tests.real.chain import running_chain
from tests.real.sshd import find_sshd, running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.real.chain import Chain
    from tests.real.sshd import Sshd


def run(argv: Sequence[str]) -> None:
    """Run a program with its output thrown away. Raises CalledProcessError if it fails."""
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def find_ssh() -> str:
    """Find OpenSSH's client. Raises LeftOutError where it is missing."""
    ssh = shutil.which("ssh")
    if ssh is None:
        raise LeftOutError("OpenSSH's ssh is needed, and missing")
    return ssh


@contextlib.contextmanager
def ssh_and_server(directory: Path) -> Iterator[tuple[list[str], Sshd]]:
    """Run an sshd of our own; give the start of an `ssh` command line to its host alias, and it.

    Raises LeftOutError where OpenSSH is missing.
    """
    ssh = find_ssh()
    if find_sshd() is None:
        raise LeftOutError("OpenSSH's sshd is needed, and missing")
    with running_sshd(directory) as server:
        yield [ssh, "-F", str(server.ssh_config), "-o", "BatchMode=yes"], server


@contextlib.contextmanager
def ssh_and_chain(directory: Path) -> Iterator[tuple[list[str], Chain]]:
    """Run two bastions and a target; otherwise as `ssh_and_server`."""
    ssh = find_ssh()
    if find_sshd() is None:
        raise LeftOutError("OpenSSH's sshd is needed, and missing")
    with running_chain(directory) as chain:
        yield [ssh, "-F", str(chain.ssh_config), "-o", "BatchMode=yes"], chain


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
