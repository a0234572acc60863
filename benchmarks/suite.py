"""The benchmarks themselves, and the one table that lists them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.large_config import WANTED, write_large_config
from benchmarks.measure import Benchmark, Work
from benchmarks.peers import control_master, find_ssh, run, ssh_and_chain, ssh_and_server
from qxub.transport import Connection, Exited, connect, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

STDOUT_BYTES = 200_000_000


@contextlib.contextmanager
def start_up(_directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare `qxub --help` with Python and click alone, both of this environment."""
    script = shutil.which("qxub", path=str(Path(sys.executable).parent))
    qxub = [script] if script else [sys.executable, "-m", "qxub"]
    yield (
        lambda: run([*qxub, "--help"]),
        lambda: run([sys.executable, "-c", "import click"]),
    )


@contextlib.contextmanager
def connecting(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare a connection made in this process for one command with an `ssh` process."""
    with ssh_and_server(directory) as (ssh, server):

        def ours() -> None:
            with connect(resolve("target", config_file=server.ssh_config)) as connection:
                receive(connection, "true", expected=0)

        yield ours, lambda: run([*ssh, "target", "true"])


@contextlib.contextmanager
def chaining(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the same through two bastions, each with its own keys."""
    with ssh_and_chain(directory) as (ssh, chain):

        def ours() -> None:
            with connect(resolve("target", config_file=chain.ssh_config)) as connection:
                receive(connection, "true", expected=0)

        yield ours, lambda: run([*ssh, "target", "true"])


@contextlib.contextmanager
def executing(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare one more command on an open connection with `ssh` through a ControlMaster."""
    with contextlib.ExitStack() as stack:
        ssh, server = stack.enter_context(ssh_and_server(directory))
        through = stack.enter_context(control_master(ssh, directory))
        connection = stack.enter_context(connect(resolve("target", config_file=server.ssh_config)))
        yield (
            lambda: receive(connection, "true", expected=0),
            lambda: run([*through, "target", "true"]),
        )


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the time that 200 MB of stdout take over an open connection with `ssh`'s."""
    command = f"head -c {STDOUT_BYTES} /dev/zero"
    with contextlib.ExitStack() as stack:
        ssh, server = stack.enter_context(ssh_and_server(directory))
        connection = stack.enter_context(connect(resolve("target", config_file=server.ssh_config)))
        yield (
            lambda: receive(connection, command, expected=STDOUT_BYTES),
            lambda: run([*ssh, "target", command]),
        )


@contextlib.contextmanager
def resolving(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare a process's first look-up in a large ssh_config with a process of `ssh -G`."""
    config, ssh = write_large_config(directory), find_ssh()
    argv = [sys.executable, str(Path(__file__).with_name("cold_look_up.py")), str(config), WANTED]

    def ours() -> float:
        return float(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)

    yield ours, lambda: run([ssh, "-T", "-G", "-F", str(config), WANTED])


@contextlib.contextmanager
def resolving_again(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare further look-ups in this process with processes of `ssh -G`."""
    config, ssh = write_large_config(directory), find_ssh()

    def ours() -> None:
        resolve(WANTED, config_file=str(config))

    yield ours, lambda: run([ssh, "-T", "-G", "-F", str(config), WANTED])


def receive(connection: Connection, command: str, *, expected: int) -> None:
    """Run `command`, count its output, and raise RuntimeError unless it is all there."""
    received = 0

    def count(data: bytes) -> None:
        nonlocal received
        received += len(data)

    completion = connection.run(command, stdout=count, stderr=count)
    if completion != Exited(0) or received != expected:
        raise RuntimeError(f"{command}: {completion}, {received} of {expected} bytes")


BENCHMARKS = (
    Benchmark("help", "qxub --help", "python -c 'import click'", 2.5, 15, start_up),
    Benchmark("connect", "connect, log in, exec true", "ssh HOST true", 0.5, 15, connecting),
    Benchmark("chain", "the same, by two bastions", "ssh HOST true", 0.6, 15, chaining),
    Benchmark("exec", "exec true, connection open", "ssh, ControlMaster", 0.35, 31, executing),
    Benchmark("stdout", "200 MB of stdout", "ssh", 1.0, 7, reading),
    Benchmark("ssh_config", "first look-up, 2,000 blocks", "ssh -G HOST", 1.0, 31, resolving),
    Benchmark("ssh_config2", "second look-up, same files", "ssh -G HOST", 1.0, 31, resolving_again),
)
