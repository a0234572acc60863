"""Much data over one channel, against `ssh` and asyncssh.

The start of a process and the way to the host are not timed: see gate.py. Both sides have the same
far command. What a peer receives goes to /dev/null; what we receive is counted.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.asyncssh_peer import AsyncsshPeer
from benchmarks.gate import gate_in
from benchmarks.peers import DELAY, ssh_and_server, ssh_argv, through_delay
from qxub.transport import Connection, Exited, connect, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.gate import Gate
    from benchmarks.measure import Work
    from qxub.transport import RemoteProcess
    from tests.real.sshd import Sshd

BULK_BYTES = 1024**3
DELAYED_BYTES = 100_000_000
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Sides:
    """Our open connection, the start of an `ssh` command line to the same server, and a gate."""

    server: Sshd
    connection: Connection
    ssh: Sequence[str]
    gate: Gate


@contextlib.contextmanager
def sides(directory: Path, delay: float | None = None) -> Iterator[Sides]:
    """Open all that, by way of a proxy if there is to be a delay (in seconds, each way)."""
    with contextlib.ExitStack() as stack:
        ssh, server = stack.enter_context(ssh_and_server(directory))
        config = server.ssh_config
        if delay is not None:
            config = stack.enter_context(through_delay(server, delay))
            ssh = ssh_argv(config)
        connection = stack.enter_context(connect(resolve("target", config_file=config)))
        yield Sides(server, connection, ssh, stack.enter_context(gate_in(directory)))


def file_of(size: int, directory: Path) -> Path:
    """Give a file of `size` zeros; how well they compress plays no part in it."""
    path = directory / "data"
    with path.open("wb") as file:
        file.truncate(size)
    return path


@contextlib.contextmanager
def reading(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare 1 GiB of stdout with `ssh`."""
    with sides(directory) as both:
        yield _reading(both, directory, BULK_BYTES)


@contextlib.contextmanager
def reading_far(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare 100 MB of stdout over a line with a round trip of 200 ms."""
    with sides(directory, delay=DELAY) as both:
        yield _reading(both, directory, DELAYED_BYTES)


@contextlib.contextmanager
def reading_near(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the same with no delay in the proxy, which shows what the proxy itself allows."""
    with sides(directory, delay=0.0) as both:
        yield _reading(both, directory, DELAYED_BYTES)


def _reading(both: Sides, directory: Path, size: int) -> tuple[Work, Work]:
    command = both.gate.behind(f"cat '{file_of(size, directory)}'")
    return (
        lambda: receive(both, command, stdout=size),
        lambda: run_ssh(both, command),
    )


@contextlib.contextmanager
def reading_asyncssh(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare 1 GiB of stdout with asyncssh, which has its connection open, too."""
    with sides(directory) as both, contextlib.closing(AsyncsshPeer(both.server)) as peer:
        command = both.gate.behind(f"cat '{file_of(BULK_BYTES, directory)}'")
        yield (
            lambda: receive(both, command, stdout=BULK_BYTES),
            lambda: peer.run(command, both.gate),
        )


@contextlib.contextmanager
def reading_both(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare 512 MiB on each of stdout and stderr, at once."""
    each = BULK_BYTES // 2
    with sides(directory) as both:
        file = file_of(each, directory)
        command = both.gate.behind(f"cat '{file}' >&2 & cat '{file}'; wait")
        yield (
            lambda: receive(both, command, stdout=each, stderr=each),
            lambda: run_ssh(both, command),
        )


@contextlib.contextmanager
def uploading(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare 1 GiB on stdin, until the far side has counted it."""
    with sides(directory) as both:
        file = file_of(BULK_BYTES, directory)
        command = both.gate.behind(f'test "$(wc -c)" -eq {BULK_BYTES}')
        yield (
            lambda: send(both, command, file),
            lambda: run_ssh(both, command, stdin=file),
        )


def receive(both: Sides, command: str, *, stdout: int = 0, stderr: int = 0) -> float:
    """Run a command behind the gate, and give the seconds from there to its end.

    Raises RuntimeError unless it succeeds and so many bytes have come on each stream.
    """
    with both.connection.start(command) as process:
        start = both.gate.open()
        _expect(process, stdout, stderr)
        return time.perf_counter() - start


def send(both: Sides, command: str, file: Path) -> float:
    """Feed a command behind the gate with a file; otherwise as `receive`."""
    with both.connection.start(command) as process, file.open("rb") as data:
        start = both.gate.open()
        while chunk := data.read(CHUNK_BYTES):
            process.write(chunk)
        process.close_stdin()
        _expect(process, 0, 0)
        return time.perf_counter() - start


def _expect(process: RemoteProcess, stdout: int, stderr: int) -> None:
    """Drain a process to its end; raise RuntimeError if that, or what has come, is not right."""
    received = [0, 0]

    def count(stream: int, data: bytes) -> None:
        received[stream] += len(data)

    completion = process.drain(lambda data: count(0, data), lambda data: count(1, data))
    if completion != Exited(0) or received != [stdout, stderr]:
        raise RuntimeError(f"{completion}, {received} bytes, not {[stdout, stderr]}")


def run_ssh(both: Sides, command: str, *, stdin: Path | None = None) -> float:
    """Run a command behind the gate by `ssh`, and give the seconds from there to its end.

    Raises RuntimeError unless it succeeds.
    """
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
        null = subprocess.DEVNULL
        argv = [*both.ssh, "target", command]
        ssh = stack.enter_context(subprocess.Popen(argv, stdin=source, stdout=null, stderr=null))
        start = both.gate.open()
        if ssh.wait() != 0:
            raise RuntimeError(f"ssh ended with status {ssh.returncode}")
        return time.perf_counter() - start
