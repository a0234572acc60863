"""How a process ends, and what of its output comes before and after that."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import Exited, NoStatus, Signalled
from tests.transport.contract.hosts import numbers, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transport.contract.hosts import FarHost

NAMED = "ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2".split()
"""the signals that RFC 4254 section 6.10 gives names to"""
UNNAMED = ("BUS", "SYS", "TRAP", "VTALRM", "XCPU", "XFSZ")
BY_AN_UNNAMED_SIGNAL = {
    "sshd": lambda _name: Signalled("SIG@openssh.com", core_dumped=False, message=""),
    "dropbear": lambda _name: NoStatus(),
    "fake": lambda name: Signalled(name, core_dumped=False, message=""),
}
"""what each server reports: Dropbear says nothing at all"""


def test_every_exit_status(far: FarHost) -> None:
    with far.connect() as connection:
        for status in range(256):
            assert run(connection, f"exit {status}") == (Exited(status), b"", b"")


def test_exit_status_is_cut_to_8_bits_over_there(far: FarHost) -> None:
    assert far.run("exit 263").end == Exited(7)


def test_command_that_is_not_there(far: FarHost) -> None:
    end, out, err = far.run("no-such-program-anywhere")
    assert (end, out) == (Exited(127), b"")
    assert b"no-such-program-anywhere: not found" in err.replace(b"command not", b"not")


@pytest.mark.parametrize("name", NAMED)
def test_killed_by_a_signal(far: FarHost, name: str) -> None:
    assert far.run(f"echo out; kill -{name} $$; exit 9") == (
        Signalled(name, core_dumped=False, message=""),
        b"out\n",
        b"",
    )


@pytest.mark.parametrize("name", UNNAMED)
def test_killed_by_a_signal_without_a_name(far: FarHost, name: str) -> None:
    assert far.run(f"kill -{name} $$; exit 9").end == BY_AN_UNNAMED_SIGNAL[far.server](name)


def test_core_dump_is_reported(far: FarHost, tmp_path: Path) -> None:
    """Where this machine writes one; the fake cannot know, as Popen does not tell."""
    dumps = "ulimit -c unlimited; kill -SEGV $$"
    end = far.run(f"{dumps}; exit 9").end
    there = far.server != "fake" and _dumps_core(dumps, tmp_path)
    assert end == Signalled("SEGV", core_dumped=there, message="")


def _dumps_core(command: str, directory: Path) -> bool:
    if sys.platform == "win32":
        return True  # the far side is no Windows, and its system's default
    with subprocess.Popen(["sh", "-c", command], cwd=directory) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = 0  # it has been waited for
    return os.WCOREDUMP(status)


def test_signal_to_the_last_of_a_pipeline_is_a_status(far: FarHost) -> None:
    """The shell lives on, and tells by 128 + signal."""
    assert far.run("sh -c 'kill -TERM $$'; exit $?").end == Exited(128 + 15)


# A child that holds the output open: sshd says at once how the process ended, and goes on; Dropbear
# closes the channel, and the child's output is gone; the fake tells at the child's end.
def _with_the_childs(far: FarHost, out: bytes, of_child: bytes) -> bytes:
    return out if far.server == "dropbear" else out + of_child


def test_background_child_is_awaited(far: FarHost) -> None:
    end, out, _ = far.run("echo out; { sleep 0.5; echo child; } & exit 3")
    assert (end, out) == (Exited(3), _with_the_childs(far, b"out\n", b"child\n"))


def test_background_child_of_a_process_that_was_killed(far: FarHost) -> None:
    end, out, _ = far.run("{ sleep 0.5; echo child; } & echo out; kill -TERM $$")
    assert end == Signalled("TERM", core_dumped=False, message="")
    assert out == _with_the_childs(far, b"out\n", b"child\n")


def test_status_before_all_output(far: FarHost) -> None:
    end, out, err = far.run("{ sleep 0.3; seq 1 200000; seq 1 200000 >&2; } & exit 3")
    child = numbers(200_000)
    assert end == Exited(3)
    assert (out, err) == (_with_the_childs(far, b"", child), _with_the_childs(far, b"", child))


def test_background_child_that_holds_no_output_is_not_awaited(far: FarHost) -> None:
    command = "{ read -r line; } </dev/tty >/dev/null 2>&1 & sleep 60 >/dev/null 2>&1 & exit 3"
    assert far.run(command) == (Exited(3), b"", b"")
