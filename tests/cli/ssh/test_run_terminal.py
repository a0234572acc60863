"""`qxub ssh run` at a terminal, with another one over there: all of them real."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("see tests/windows/test_run.py", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over the rest elsewhere


from tests.fakes.cutting_proxy import CuttingProxy  # noqa: E402
from tests.real.terminal_posix import Terminal, terminal  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Qxub
    from tests.real.sshd import Sshd

LOOP = "while :; do sleep 0.05; done"


class Seat:
    """Where a person sits: a terminal, and a server to log in to."""

    def __init__(self, qxub: Qxub, sshd: Sshd, seen: Terminal) -> None:
        self.qxub = qxub
        self.sshd = sshd
        self.terminal = seen

    @contextlib.contextmanager
    def running(self, *words: str, **environment: str) -> Iterator[Terminal]:
        """Run `qxub ssh run` at the terminal."""
        argv = [sys.executable, "-m", "qxub", "ssh", "run", "-F", str(self.sshd.ssh_config)]
        env = {**self.qxub.environment, "TERM": "vt220", **environment}
        with self.terminal.running([*argv, *words], env, self.qxub.directory):
            yield self.terminal

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run it to its end; give the exit status and the screen."""
        with self.running(*words, **environment) as seen:
            return seen.exit_status(), seen.screen


@pytest.fixture
def seat(qxub: Qxub, user_sshd: Sshd) -> Iterator[Seat]:
    with terminal(101, 33) as seen:
        yield Seat(qxub, user_sshd, seen)


def test_term_and_size(seat: Seat) -> None:
    status, screen = seat.run("-t", "target", "stty size; echo $TERM; tty; exit 5")
    assert status == 5
    assert screen.startswith("33 101\r\nvt220\r\n/dev/pts/")
    seat.terminal.clear()
    words = ("-t", "-o", "SetEnv=TERM=%n", "target", "echo $TERM")
    assert seat.run(*words) == (0, "target\r\n")


def test_the_size_is_followed(seat: Seat) -> None:
    loop = "until [ $n = 3 ]; do sleep 0.05; done; exit 8"
    line = f"n=0; trap 'stty size; n=$((n+1))' WINCH; echo ready; {loop}"
    with seat.running("-t", "target", line) as seen:
        seen.wait_for("ready")
        for columns, rows in ((132, 43), (20, 5), (250, 70)):
            seen.resize(columns, rows)
            seen.wait_for(f"{rows} {columns}\r\n")
        assert seen.exit_status() == 8


@pytest.mark.skipif(shutil.which("stty") is None, reason="there is no stty to ask here")
def test_the_modes_are_those_of_this_terminal(seat: Seat) -> None:
    odd = ("-echo", "-ixon", "iutf8", "-echoctl", "intr", "^X", "susp", "undef", "erase", "^H")
    subprocess.run(["stty", *odd], stdin=seat.terminal.inner, check=True)
    argv = ["stty", "-a"]
    ours = subprocess.run(argv, stdin=seat.terminal.inner, capture_output=True, check=True).stdout
    status, screen = seat.run("-t", "target", "stty -a")
    assert status == 0
    assert {"-echo", "-ixon", "iutf8", "-echoctl", "^X;", "<undef>;", "^H;"} <= {*screen.split()}
    assert screen.split() == ours.decode().split()


def test_every_byte_goes_over_there(seat: Seat) -> None:
    keys = b"\x03\x04\x11\x13\x15\x16\x1a\x1c\r\n\x7f\xff\x00\x1b"
    line = f"stty raw -echo; printf ready; od -An -v -tx1 -N {len(keys)}; stty sane"
    with seat.running("-t", "target", line) as seen:
        seen.wait_for("ready")
        seen.press(keys)
        assert seen.exit_status() == 0
    assert seen.screen.replace("ready", "").split() == [f"{key:02x}" for key in keys]


def test_ctrl_c_interrupts_over_there(seat: Seat) -> None:
    with seat.running("-t", "target", "echo ready; exec sleep 100") as seen:
        seen.wait_for("ready")
        seen.press(b"\x03")
        assert seen.exit_status() == 130
    assert "^C" in seen.screen  # the echo of the terminal over there
    assert "target: the command was ended by the signal INT" in seen.screen


def test_a_login_shell(seat: Seat) -> None:
    with seat.running("target", PS1="") as seen:
        seen.press(b"echo $((6*7)); tty; exit 3\r")
        assert seen.exit_status() == 3
    assert "42\r\n/dev/pts/" in seen.screen


def test_much_in_both_directions(seat: Seat) -> None:
    count = 262144
    line = f"stty raw -echo; printf ready; head -c {count} | cksum; stty sane; seq 1 50000"
    keys = bytes(range(256)) * (count // 256)
    with seat.running("-t", "target", line) as seen:
        seen.wait_for("ready")
        typist = threading.Thread(target=seen.press, args=(keys,))
        typist.start()
        assert seen.exit_status() == 0
        typist.join()
    cksum = subprocess.run(["cksum"], input=keys, capture_output=True, check=True).stdout
    _, sum_of_keys, rest = seen.screen.partition(cksum.decode().strip())
    assert sum_of_keys, seen.screen[:200]
    assert rest.split() == [str(number) for number in range(1, 50001)]


# The terminal is as it was, whatever happens.


def test_restored_after_the_end(seat: Seat) -> None:
    before = seat.terminal.modes()
    with seat.running("-t", "target", "echo ready; read x; exit 4") as seen:
        seen.wait_for("ready")
        assert seen.modes() != before
        seen.press(b"\r")
        assert seen.exit_status() == 4
        assert seen.modes() == before


def test_restored_after_a_cut_line(seat: Seat) -> None:
    before = seat.terminal.modes()
    with CuttingProxy(seat.sshd.port) as proxy:
        words = ("-o", f"Port={proxy.port}", "-o", "StrictHostKeyChecking=no", "-t", "target")
        with seat.running(*words, "echo ready; exec sleep 100") as seen:
            seen.wait_for("ready")
            proxy.cut()
            assert seen.exit_status() == 255
            assert seen.modes() == before
    assert "target: the connection was lost" in seen.screen


@pytest.mark.parametrize("name", ["TERM", "HUP"])
def test_restored_after_a_signal(seat: Seat, name: str) -> None:
    before = seat.terminal.modes()
    with seat.running("-t", "target", "echo ready $$; exec sleep 100") as seen:
        far = far_process(seen)
        os.kill(seen.program(), signal.Signals[f"SIG{name}"])
        assert seen.exit_status() == 128 + signal.Signals[f"SIG{name}"]
        assert seen.modes() == before
    assert f"ended by the signal {name}, which was passed on" in seen.screen
    wait_for_end(far)


def test_restored_when_writing_fails(seat: Seat) -> None:
    """A reader of the output that leaves."""
    before = seat.terminal.modes()
    words = " ".join(["-m", "qxub", "ssh", "run", "-F", f"'{seat.sshd.ssh_config}'"])
    line = f'"{sys.executable}" {words} -tt target yes | head -n 1'
    env, directory = seat.qxub.environment, seat.qxub.directory
    with seat.terminal.running(["sh", "-c", line], env, directory):
        assert seat.terminal.exit_status() == 0
        assert seat.terminal.screen.strip() == "y"
        deadline = time.monotonic() + 60
        while seat.terminal.modes() != before:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_window_that_closes(seat: Seat) -> None:
    with seat.running("-t", "target", "echo ready $$; exec sleep 100") as seen:
        far = far_process(seen)
        seen.hang_up()
        assert seen.exit_status() == 129
    wait_for_end(far)


# Without a terminal over there, Ctrl-C and other signals are passed on.


def test_ctrl_c_is_passed_on(seat: Seat) -> None:
    line = f"trap 'echo gone; exit 9' INT; echo ready; {LOOP}"
    with seat.running("target", line) as seen:
        seen.wait_for("ready")
        seen.press(b"\x03")
        assert seen.exit_status() == 9
    assert "gone\r\n" in seen.screen
    assert "qxub" not in seen.screen


def test_the_second_ctrl_c_ends_it(seat: Seat) -> None:
    with seat.running("target", f"trap 'echo no' INT; echo ready $$; {LOOP}") as seen:
        far = far_process(seen)
        seen.press(b"\x03")
        seen.wait_for("no\r\n")
        seen.press(b"\x03")
        assert seen.exit_status() == 130
    assert "interrupted for the second time; the command may still run there" in seen.screen
    os.kill(far, signal.SIGKILL)


def test_a_server_that_passes_nothing_on(seat: Seat, sshd: Sshd) -> None:
    if os.geteuid() != 0:
        pytest.skip("sshd passes signals on but for root's sessions")
    seat.sshd = sshd
    with seat.running("target", f"echo ready $$; {LOOP}") as seen:
        far = far_process(seen)
        seen.press(b"\x03")
        seen.wait_for("the server did not pass Ctrl-C on; another one leaves the command there")
        os.kill(seen.program(), signal.SIGTERM)
        assert seen.exit_status() == 143
    assert "TERM, which was not passed on: the command may still run" in seen.screen
    os.kill(far, signal.SIGKILL)


def test_nohup_is_heeded(seat: Seat) -> None:
    words = [sys.executable, "-m", "qxub", "ssh", "run", "-F", str(seat.sshd.ssh_config)]
    argv = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *words, "target", "echo ready; read x"]
    seen = seat.terminal
    with seen.running(argv, seat.qxub.environment, seat.qxub.directory):
        seen.wait_for("ready")
        os.kill(seen.program(), signal.SIGHUP)
        seen.press(b"\r")
        assert seen.exit_status() == 0


def test_ctrl_c_before_the_command(seat: Seat) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with seat.running("-o", f"Port={port}", "target", "true") as seen, silent.accept()[0]:
            seen.press(b"\x03")
            assert seen.exit_status() == 130
    assert "target: interrupted\r\n" in seen.screen


def far_process(seen: Terminal) -> int:
    """Wait for "ready NUMBER" and give the number."""
    seen.wait_for("ready ")
    seen.wait_for("\n")
    return int(seen.screen.split("ready ")[1].split()[0])


def wait_for_end(process: int) -> None:
    deadline = time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(process, 0)
            assert time.monotonic() < deadline, f"{process} goes on"
            time.sleep(0.02)


# Who gets a terminal.

HAS_NONE = "not a tty"
HAS_ONE = "/dev/"
WARNING = "Pseudo-terminal will not be allocated because stdin is not a terminal."
MATRIX = [
    # options, whether there is a command, stdin, and what comes of it
    ("", True, "terminal", HAS_NONE),
    ("", False, "terminal", HAS_ONE),
    ("", False, "pipe", HAS_NONE),
    ("-t", True, "terminal", HAS_ONE),
    ("-t", True, "pipe", WARNING),
    ("-tt", True, "pipe", HAS_ONE),
    ("-T", False, "terminal", HAS_NONE),
    ("-n -t", True, "terminal", WARNING),
    ("-n -tt", True, "terminal", HAS_ONE),
    ("-o RequestTTY=yes", True, "terminal", HAS_ONE),
    ("-o RequestTTY=yes -T", True, "terminal", HAS_NONE),
    ("-o RequestTTY=force", True, "pipe", HAS_ONE),
    ("-o RequestTTY=force -t", True, "pipe", WARNING),
    ("-o RequestTTY=no", False, "terminal", HAS_NONE),
    ("-o RemoteCommand=tty", False, "terminal", HAS_NONE),
]


@pytest.mark.parametrize("program", ["qxub", "ssh"])
@pytest.mark.parametrize(
    ("options", "has_command", "stdin", "expected"),
    MATRIX,
    ids=[f"{row[0]} {'command' if row[1] else 'shell'} {row[2]}" for row in MATRIX],
)
def test_who_gets_a_terminal(
    seat: Seat, program: str, options: str, has_command: bool, stdin: str, expected: str
) -> None:
    """The same for ssh, which has the last word."""
    words = [sys.executable, "-m", "qxub", "ssh", "run"]
    if program == "ssh":
        if shutil.which("ssh") is None:
            pytest.skip("there is no ssh to compare with")
        words = ["ssh"]
    words += ["-F", str(seat.sshd.ssh_config), *options.split(), "target"]
    words += ["tty"] if has_command else []
    source = 'echo tty | "$@"' if stdin == "pipe" else '"$@"'
    with seat.terminal.running(
        ["sh", "-c", source, "sh", *words],
        {**seat.qxub.environment, "TERM": "vt220"},
        seat.qxub.directory,
    ) as _:
        if stdin == "terminal" and not has_command and "RemoteCommand" not in options:
            seat.terminal.press(b"tty\rexit\r" if expected == HAS_ONE else b"tty\nexit\n")
        seat.terminal.exit_status()
    assert expected in seat.terminal.screen
    if program == "qxub":
        assert (WARNING in seat.terminal.screen) == (expected == WARNING)


def test_a_shell_whose_output_goes_elsewhere_gets_none(seat: Seat) -> None:
    argv = [sys.executable, "-m", "qxub", "ssh", "run", "-F", str(seat.sshd.ssh_config), "target"]
    line = 'echo "<$("$@")>"'
    env, directory = seat.qxub.environment, seat.qxub.directory
    with seat.terminal.running(["sh", "-c", line, "sh", *argv], env, directory):
        seat.terminal.press(b"tty\nexit\n")
        assert seat.terminal.exit_status() == 0
    assert "<not a tty>" in seat.terminal.screen
