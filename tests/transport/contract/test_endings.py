"""How a process ends, and what of its output comes before and after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qxub.transport import Exited, NoStatus, Signalled
from tests.transport.contract.hosts import numbers, run

if TYPE_CHECKING:
    from tests.transport.contract.hosts import FarHost

NAMED = (
    *("ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL"),
    *("PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"),
)
"""the signals that RFC 4254 section 6.10 gives names to"""
UNNAMED = ("BUS", "SYS", "TRAP", "VTALRM", "XCPU", "XFSZ")
BY_AN_UNNAMED_SIGNAL = {
    "sshd": Signalled("SIG@openssh.com", core_dumped=False, message=""),
    "dropbear": NoStatus(),
}
"""what these report; the fake has a name for each"""


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
    plainly = Signalled(name, core_dumped=False, message="")
    expected = BY_AN_UNNAMED_SIGNAL.get(far.server, plainly)
    assert far.run(f"kill -{name} $$; exit 9").end == expected


def test_core_dump_is_reported(far: FarHost) -> None:
    """If one is written, as the far shell says; the fake cannot know, as Popen does not tell."""
    dumps = "ulimit -c unlimited; kill -SEGV $$"
    written = b"core dumped" in far.run(f"sh -c '{dumps}'; exit 9").err
    core = written and far.server != "fake"
    assert far.run(dumps).end == Signalled("SEGV", core_dumped=core, message="")


def test_signal_to_the_last_of_a_pipeline_is_a_status(far: FarHost) -> None:
    """The shell lives on, and tells by 128 + signal."""
    assert far.run("sh -c 'kill -TERM $$'; exit $?").end == Exited(128 + 15)


def _with_the_childs(far: FarHost, out: bytes, of_child: bytes) -> bytes:
    """What comes where a child holds the output open.

    sshd says at once how the process ended, and goes on; the fake tells at the child's end.
    Dropbear closes the channel, and the child's output is gone.
    """
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
    with far.connect() as connection:
        end, out, err = run(connection, "sleep 600 <&- >/dev/null 2>&1 & echo $!; exit 3")
        assert (end, err) == (Exited(3), b"")
        assert run(connection, f"kill {int(out)}") == (Exited(0), b"", b"")  # it lived
