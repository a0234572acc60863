"""No file, however broken, makes a look-up fail otherwise than by our errors, or take long.

QXUB_SSH_FUZZ says how many files are tried, and QXUB_SSH_SEED which; the summary of the run and the
report of a failure name the seed.
"""

from __future__ import annotations

import dataclasses
import errno
import fnmatch
import os
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from qxub.transport.errors import HostConfigError, ResolveError
from qxub.transport.ssh_config import host_config, look_up, this_machine
from qxub.transport.ssh_config.memory import remembered

from .fuzzing import CONFIG, HOME, Fuzzer, corpus_contents

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from qxub.transport.ssh_config import Machine

    from .fuzzing import Broken

FILES = int(os.environ.get("QXUB_SSH_FUZZ", "50000"))
SEED = int(os.environ.get("QXUB_SSH_SEED", Random().randrange(1_000_000)))  # noqa: S311
LONGEST = 0.050  # s of processor time for one look-up
PART = 1000  # files that have a seed in common


def machine_with(broken: Broken) -> Machine:
    """Give a machine that has these files in memory, and nothing else."""

    def read_file(path: str) -> bytes:
        if path not in broken.files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return broken.files[path]

    def glob(pattern: str) -> Sequence[str]:
        return sorted(fnmatch.filter(broken.files, pattern))

    return dataclasses.replace(
        this_machine(),
        home=HOME,
        user="fuzz",
        uid=1000,
        hostname="host.example.org",
        environment={"HOME": HOME, "PROGRAMDATA": r"C:\ProgramData"},
        is_windows=broken.is_windows,
        system_directory="/etc/ssh",
        read_file=read_file,
        glob=glob,
        permission_problem=lambda _: "",
        home_of={"root": "/root", "fuzz": HOME}.get,
        service_port={"ssh": 22}.get,
        find_name=lambda name, _: "real.example.org" if len(name) % 2 else None,
        run_shell=lambda command: len(command) % 2,
        local_addresses=lambda: ("10.0.0.7", "fe80::1%eth0"),
    )


def looked_up(broken: Broken, machine: Machine) -> tuple[bool, float]:
    """Look up; tell whether that went well, and the processor time that it took."""
    start = time.thread_time()
    try:
        found = look_up(
            broken.destination, options=broken.options, config_file=CONFIG, machine=machine
        )
        host_config(found)
    except (HostConfigError, ResolveError):
        return False, time.thread_time() - start
    return True, time.thread_time() - start


@pytest.mark.timeout(300)
def test_broken_files(agreeing: Counter[tuple[str, bool]]) -> None:
    contents = corpus_contents()
    resolved = 0
    for number in range(FILES):
        if number % PART == 0:
            seed = SEED + number // PART
            fuzzer = Fuzzer(Random(seed), contents)  # noqa: S311
        broken = fuzzer.draw()
        machine = machine_with(broken)
        try:
            is_right, seconds = looked_up(broken, machine)
            if seconds > LONGEST:
                remembered.clear()  # so that a repetition is no shorter for it
                seconds = min(seconds, looked_up(broken, machine)[1])
        except Exception as error:
            raise AssertionError(f"QXUB_SSH_SEED={seed}: {broken}") from error
        assert seconds <= LONGEST, f"QXUB_SSH_SEED={seed}: {seconds:.3f} s for {broken}"
        resolved += is_right
        agreeing[f"broken files, QXUB_SSH_SEED={SEED}", True] += 1
    assert resolved > FILES // 20, "too much is broken to show anything"
