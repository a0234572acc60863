"""The site: its queues and its node, the directory of its state, its clock and its faults."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl
if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = "pbshost"
HOST = "vm"
QUEUES = {"normal": 48 * 3600, "express": 24 * 3600}
"""the longest walltime of each, in seconds; both have 8 cpus"""
DEFAULTS = {"jobfs": "100mb", "mem": "500mb", "ncpus": "1", "walltime": "01:00:00"}
SIZES = {"jobfs": "100gb", "mem": "16gb"}
COUNTS = {"ncpus": 8, "ngpus": 2}
"""what the one node has"""
LARGEST_ARRAY = 10000
SWITCHES = {
    "down": "no server answers",
    "frozen": "the commands hang, as long as the file is there",
    "slow": "the commands wait for as many seconds as the file says",
    "refuse": "qsub ends with the status and the words that the file holds",
    "lost": "qsub hangs when the job is in, as long as the file is there",
    "torn": "qstat prints as many characters as the file says, and no more",
    "busy": "jobs stay queued",
    "nohistory": "jobs that have finished are forgotten",
    "mom-down": "running jobs cannot be deleted",
    "lenient": "jobs may use more memory than they asked for, as where the mom has no $enforce mem",
}


class Refused(Exception):  # noqa: N818 - not an error of the fake's
    """An exit status, what goes to stderr, and what has gone to stdout before."""

    def __init__(self, status: int, words: str, stdout: str = "") -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.stdout = stdout


def directory() -> Path:
    return Path(os.environ["FAKE_PBS"])


def is_on(switch: str) -> bool:
    assert switch in SWITCHES, switch
    return (directory() / switch).exists()


def value_of(switch: str) -> str:
    return (directory() / switch).read_text().strip()


def now() -> float:
    """Return the fake's time: the machine's, and what the test has put into `clock`."""
    try:
        ahead = float((directory() / "clock").read_text())
    except (FileNotFoundError, ValueError):
        ahead = 0.0
    return time.time() + ahead


def date() -> str:
    return time.ctime(now())


def owner() -> str:
    return getpass.getuser()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep the other commands, and the server, from the state meanwhile."""
    with (directory() / "lock").open("w") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def suffer(command: str) -> None:
    """Wait, or fail, as the switches want it before the server is asked."""
    if is_on("slow"):
        time.sleep(float(value_of("slow")))
    while is_on("frozen"):
        time.sleep(0.05)
    if not is_on("down"):
        return
    words = f"{command}: cannot connect to server {SERVER} (errno=15010)"
    if command == "qdel":
        words = f"Couldn't connect to cluster: {SERVER}"
    if command == "pbsnodes":
        words = f"pbsnodes: cannot connect to server {SERVER}, error=15010"
    status = {"qstat": 255, "pbsnodes": 1}.get(command, 162)
    raise Refused(status, f"Connection refused\n{words}\n")
