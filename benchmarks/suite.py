"""The benchmarks themselves, and the one table that lists them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bulk import (
    reading,
    reading_asyncssh,
    reading_both,
    reading_far,
    reading_near,
    uploading,
)
from benchmarks.echo import echoing
from benchmarks.jobs import ending, submitting
from benchmarks.large_config import WANTED, write_large_config
from benchmarks.measure import Benchmark, Work, at_least, at_most
from benchmarks.peers import (
    DELAY,
    control_master,
    find_ssh,
    run,
    ssh_and_chain,
    ssh_and_server,
    ssh_argv,
    through_delay,
)
from qxub.transport import Connection, Exited, connect, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator


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
                finish(connection, "true")

        yield ours, lambda: run([*ssh, "target", "true"])


@contextlib.contextmanager
def chaining(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the same through two bastions, each with its own keys."""
    with ssh_and_chain(directory) as (ssh, chain):

        def ours() -> None:
            with connect(resolve("target", config_file=chain.ssh_config)) as connection:
                finish(connection, "true")

        yield ours, lambda: run([*ssh, "target", "true"])


@contextlib.contextmanager
def connecting_far(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the same over a line with a round trip of 200 ms."""
    with contextlib.ExitStack() as stack:
        _, server = stack.enter_context(ssh_and_server(directory))
        config = stack.enter_context(through_delay(server, DELAY))

        def ours() -> None:
            with connect(resolve("target", config_file=config)) as connection:
                finish(connection, "true")

        yield ours, lambda: run([*ssh_argv(config), "target", "true"])


@contextlib.contextmanager
def executing(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare one more command on an open connection with `ssh` through a ControlMaster."""
    with contextlib.ExitStack() as stack:
        ssh, server = stack.enter_context(ssh_and_server(directory))
        through = stack.enter_context(control_master(ssh, directory))
        connection = stack.enter_context(connect(resolve("target", config_file=server.ssh_config)))
        yield (
            lambda: finish(connection, "true"),
            lambda: run([*through, "target", "true"]),
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


def finish(connection: Connection, command: str) -> None:
    """Run a command that is to succeed and print nothing. Raises RuntimeError."""
    received: list[bytes] = []
    completion = connection.run(command, stdout=received.append, stderr=received.append)
    if completion != Exited(0) or received:
        raise RuntimeError(f"{command}: {completion}, {received}")


BENCHMARKS = (
    Benchmark("help", "qxub --help", "python -c 'import click'", at_most(2.5), 15, start_up),
    Benchmark("connect", "connect + exec true", "ssh HOST true", at_most(0.5), 15, connecting),
    Benchmark("chain", "the same, by two bastions", "ssh HOST true", at_most(0.6), 15, chaining),
    Benchmark("far", "the same, 100 ms away", "ssh HOST true", at_most(0.65), 5, connecting_far),
    Benchmark("exec", "exec, open connection", "ssh, ControlMaster", at_most(0.35), 31, executing),
    Benchmark("echo", "a line and back, p99", "ssh -T HOST cat", at_most(1.0), 7, echoing),
    Benchmark("stdout", "1 GiB of stdout", "ssh", at_least(1.2), 5, reading, False),
    Benchmark("stdout2", "1 GiB of stdout", "asyncssh", at_least(1.3), 5, reading_asyncssh, False),
    Benchmark("both", "512 MiB on each stream", "ssh", at_least(1.0), 5, reading_both, False),
    Benchmark("stdin", "1 GiB of stdin", "ssh", at_least(1.0), 5, uploading, False),
    Benchmark("far_stdout", "100 MB, 100 ms away", "ssh", at_least(4.0), 5, reading_far, False),
    Benchmark("near_stdout", "same proxy, no delay", "ssh", at_least(1.0), 5, reading_near),
    Benchmark("submit", "200 submissions", "sbatch", at_least(0.7), 5, submitting, False),
    Benchmark("ending", "last byte to exit", "sbatch --wait", at_most(1.0), 7, ending, False),
    Benchmark("ssh_config", "look-up in 2,000 blocks", "ssh -G HOST", at_most(1.0), 31, resolving),
    Benchmark("ssh_config2", "second, same file", "ssh -G HOST", at_most(1.0), 31, resolving_again),
)
