"""One line to a far `cat` and back, with nothing else to do."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.peers import ssh_and_server
from qxub.transport import connect, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.measure import Work
    from qxub.transport import RemoteProcess

LINE = b"a line as a program would print it\n"
LINES = 2000


@contextlib.contextmanager
def echoing(directory: Path) -> Iterator[tuple[Work, Work]]:
    """Compare the 99th percentile of 2,000 round trips of a line with that of an `ssh -T`.

    Both are running beforehand. Each time is from the beginning of the write to the moment at which
    the reader has the line: of our process, or of ssh's stdout.
    """
    with contextlib.ExitStack() as stack:
        ssh, server = stack.enter_context(ssh_and_server(directory))
        argv = [*ssh, "-T", "target", "cat"]
        pipe = subprocess.PIPE
        peer = stack.enter_context(subprocess.Popen(argv, 0, stdin=pipe, stdout=pipe))
        connection = stack.enter_context(connect(resolve("target", config_file=server.ssh_config)))
        process = stack.enter_context(connection.start("cat"))
        yield _ours(process), _theirs(peer)
        process.close_stdin()


def _ours(process: RemoteProcess) -> Work:
    return lambda: percentile(lambda: round_trip(process.write, process.read))


def _theirs(ssh: subprocess.Popen[bytes]) -> Work:
    """Give the same for an `ssh` whose pipes are not buffered here."""
    if ssh.stdin is None or ssh.stdout is None:
        raise ValueError("ssh has no pipes")
    write, read = ssh.stdin.write, ssh.stdout.read
    return lambda: percentile(lambda: round_trip(write, lambda: read(len(LINE))))


def round_trip(write: Callable[[bytes], object], read: Callable[[], bytes | None]) -> float:
    """Write the line and read it. Raises RuntimeError when the far side ends."""
    line = b""
    begun = time.perf_counter()
    write(LINE)
    while line != LINE:
        data = read()
        if not data:
            raise RuntimeError("the far side ended")
        line += data
    return time.perf_counter() - begun


def percentile(echo: Callable[[], float]) -> float:
    """Give the 99th percentile of the times that many calls give."""
    return statistics.quantiles((echo() for _ in range(LINES)), n=100)[98]
