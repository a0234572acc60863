"""No file, however broken, makes a look-up fail otherwise than by our errors, or take long.

QXUB_SSH_FUZZ says how many files are tried, and QXUB_SSH_SEED which; the summary of the run and the
report of a failure name the seed.
"""

from __future__ import annotations

import fnmatch
import os
import re
import sys
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from qxub.transport.errors import HostConfigError, ResolveError
from qxub.transport.ssh_config import host_config, look_up, reader
from qxub.transport.ssh_config.memory import remembered

from .fuzzing import CONFIG, HOME, Broken, Fuzzer, corpus_contents
from .in_memory import machine_with

if TYPE_CHECKING:
    from collections import Counter

# Windows' Python is mostly run under Wine, where a tenth takes as long.
FILES = int(os.environ.get("QXUB_SSH_FUZZ", "5000" if sys.platform == "win32" else "50000"))
SEED = int(os.environ.get("QXUB_SSH_SEED", Random().randrange(1_000_000)))  # noqa: S311
# In seconds of the processor, for one look-up: twice the 50 ms that it may take on a quiet one, as
# work on the other core slows it down (42 and 75 ms for one file). Under Wine all takes longer.
LONGEST = 0.500 if sys.platform == "win32" else 0.100
REPETITIONS = 10
PART = 1000  # files that have a seed in common


def looked_up(broken: Broken) -> tuple[bool, float]:
    """Look up; tell whether that went well, and the processor time that it took."""
    machine = machine_with(
        broken.files,
        home=HOME,
        is_windows=broken.is_windows,
        find_name=lambda name, _: "real.example.org" if len(name) % 2 else None,
    )
    start = time.thread_time()
    try:
        found = look_up(
            broken.destination, options=broken.options, config_file=CONFIG, machine=machine
        )
        host_config(found)
    except (HostConfigError, ResolveError):
        return False, time.thread_time() - start
    return True, time.thread_time() - start


def fairly_timed(broken: Broken) -> tuple[bool, float]:
    """Look up, and again if that took long: other work slows a processor down, but never up."""
    for pause in range(REPETITIONS):
        time.sleep(pause)
        is_right, seconds = looked_up(broken)
        if seconds <= LONGEST:
            break
        forget()
    return is_right, seconds


def forget() -> None:
    """Empty every cache, so that a repetition is no shorter than the first time."""
    remembered.clear()
    reader._is_in_list.cache_clear()
    fnmatch._compile_pattern.cache_clear()  # type: ignore[attr-defined]
    re.purge()


# What a careless pattern, number or recursion takes long for.
HARD = {
    "stars": b"Host " + b"*a" * 20_000 + b"b\n",
    "stars and questions": b"Match originalhost " + b"*?a" * 10_000 + b"*b\nPort 1\n",
    "many patterns": b"Host " + b"*a*b " * 8_000,
    "blanks": b"Host x\nHost" + b"\t" * 20_000 + b'"y',
    "blanks after a keyword": b"User" + b" " * 40_000 + b"x",
    "blanks before a comment": b"User x" + b" " * 40_000 + b"#",
    "words": b"SendEnv" + b" A" * 20_000,
    "words and stars": b"SendEnv" + b" ABC" * 4_000 + b" -" + b"?*A*" * 5_000,
    "unknown keywords": b"IgnoreUnknown " + b"**a,*a" * 2_000 + b"\n" + b"Xy 1\n" * 2_000,
    "digits": b"ServerAliveInterval " + b"9" * 40_000,
    "digits of a port": b"Port " + b"9" * 40_000,
    "digits of a size": b"RekeyLimit " + b"9" * 40_000 + b"G",
    "times": b"ConnectTimeout " + b"1s" * 20_000,
    "tokens": b"HostName " + b"%h" * 1_000,
    "variables": b"IdentityFile " + b"${HOME}" * 5_000,
    "quotes": b"IdentityFile " + b'\'"\'""' * 8_000,
    "backslashes": b"User " + b"\\" * 40_000,
    "brackets": b"ProxyJump " + b"[" * 40_000,
    "jumps": b"ProxyJump " + b"a," * 10_000 + b"a",
    "at signs": b"ProxyJump " + b"u@" * 20_000 + b"a",
    "algorithms": b"Ciphers +" + b"aes*," * 8_000 + b"aes128-ctr",
    "host names": b"HostName " + b"a." * 20_000,
    "files": b"IdentityFile x%n\n" * 2_000,
    "itself": b"Include config config\n",
    "criteria": b"Match" + b" host *" * 5_000,
}


@pytest.mark.parametrize("name", HARD)
def test_hard_files(name: str) -> None:
    for destination in ("foo", "a" * 250):
        for is_windows in (False, True):
            broken = Broken({CONFIG: HARD[name]}, destination, (), is_windows)
            assert fairly_timed(broken)[1] <= LONGEST


@pytest.mark.timeout(300)
def test_broken_files(agreeing: Counter[tuple[str, bool]]) -> None:
    contents = corpus_contents()
    resolved = 0
    for number in range(FILES):
        if number % PART == 0:
            seed = SEED + number // PART
            fuzzer = Fuzzer(Random(seed), contents)  # noqa: S311
        broken = fuzzer.draw()
        try:
            is_right, seconds = fairly_timed(broken)
        except Exception as error:
            raise AssertionError(f"QXUB_SSH_SEED={seed}: {broken}") from error
        assert seconds <= LONGEST, f"QXUB_SSH_SEED={seed}: {seconds:.3f} s for {broken}"
        resolved += is_right
        agreeing[f"broken files, QXUB_SSH_SEED={SEED}", True] += 1
    assert resolved > FILES // 20, "too much is broken to show anything"
