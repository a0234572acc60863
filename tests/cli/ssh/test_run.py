"""`qxub ssh run` without a terminal: bytes, words, stdin, and exit statuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Callable

import pytest

from tests.fakes import both_streams
from tests.fakes.cutting_proxy import CuttingProxy
from tests.fakes.ssh_host import fake_host

if TYPE_CHECKING:
    from qxub.transport.session import Session
    from tests.cli.conftest import Qxub, Result
    from tests.real.sshd import Sshd

Handler = Callable[["Session"], None]


class Far:
    """Calls `qxub ssh run … target …`, with an ssh_config of the server's."""

    def __init__(self, qxub: Qxub, ssh_config: Path) -> None:
        self.qxub = qxub
        self.words = ("ssh", "run", "-F", str(ssh_config))

    def run(self, *words: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> Result:
        with self.qxub.start(*self.words, *words, stdin=stdin) as process:
            out, err = process.communicate()
        assert b"Traceback" not in err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def fed(self, data: bytes, *words: str) -> tuple[int, bytes, bytes]:
        """Run with a pipe for stdin, which ends after `data`."""
        with self.qxub.start(*self.words, *words, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(data)
        return process.returncode, out, err


@pytest.fixture
def far(client: Qxub, sshd: Sshd) -> Far:
    return Far(client, sshd.ssh_config)


def said(done: Result) -> tuple[int, bytes, bytes]:
    return done.returncode, done.stdout, done.stderr


def test_streams_apart_byte_for_byte_and_the_exit_status(far: Far) -> None:
    line = r"printf '\000\377\r\n'; printf '\200' >&2; exit 7"
    assert said(far.run("target", line)) == (7, b"\x00\xff\r\n", b"\x80")


def test_megabytes_on_both_streams(far: Far) -> None:
    size = 3_000_000
    done = far.run("target", sys.executable, both_streams.__file__, str(size))
    assert done.returncode == 0
    assert done.stdout == both_streams.random_bytes(1, size)
    assert done.stderr == both_streams.random_bytes(2, size)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("target", "echo", "a  b", "-n", "*y"), b"a b -n *y\n"),
        (("target", "--", "echo", "-T", "--"), b"-T --\n"),
        (("target", "-T", "echo", "-t"), b"-t\n"),
        (("-T", "--", "target", "-n", "echo", "it's;", "echo", "x'"), b"its; echo x\n"),
        (("target", "printf", r"%s\\n", "é"), "é\n".encode()),
    ],
    ids=["words", "dashes", "after", "around", "quotes"],
)
def test_words_are_one_line_for_the_shell(far: Far, words: tuple[str, ...], shown: bytes) -> None:
    assert said(far.run(*words)) == (0, shown, b"")


@pytest.mark.parametrize("status", [1, 127, 128, 254, 255])
def test_the_exit_status_is_the_command_s(far: Far, status: int) -> None:
    assert said(far.run("target", f"exit {status}")) == (status, b"", b"")


def test_a_signal_is_told(far: Far) -> None:
    words = b"qxub: target: the command was ended by the signal KILL\n"
    assert said(far.run("target", "kill -9 $$")) == (137, b"", words)


ENDINGS: dict[str, tuple[Handler, int, bytes]] = {
    "large status": (lambda s: s.exit(256), 255, b"exit status 256, which no shell knows"),
    "no status": (lambda _: None, 255, b"the server did not say how the command ended"),
    "core": (
        lambda s: s.exit_signal("SEGV", core_dumped=True, message="at 0"),
        139,
        b"ended by the signal SEGV and dumped core (at 0)",
    ),
    "other signal": (lambda s: s.exit_signal("BUS@x"), 255, b"ended by the signal BUS@x"),
    "lost line": (lambda s: s.drop_line(), 255, b"the connection was lost"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="they are the same on every machine")
@pytest.mark.parametrize("name", ENDINGS)
def test_other_endings(qxub: Qxub, tmp_path: Path, name: str) -> None:
    handler, status, words = ENDINGS[name]
    with fake_host(tmp_path / "fake", handler=handler) as host:
        done = Far(qxub, host.ssh_config).run("target", "it")
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.startswith(b"qxub: target: ")
    assert words in done.stderr


def test_a_line_that_is_cut(qxub: Qxub, sshd: Sshd) -> None:
    with CuttingProxy(sshd.port) as proxy:
        far = Far(qxub, sshd.ssh_config)
        words = ("-o", f"Port={proxy.port}", "-o", "StrictHostKeyChecking=no", "target")
        with qxub.start(*far.words, *words, "echo begun; sleep 100") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            proxy.cut()
            _, err = process.communicate()
    assert process.returncode == 255
    assert b"target: the connection was lost" in err
    assert b"6 bytes of stdout and 0 of stderr were received" in err


def test_a_refused_login(far: Far) -> None:
    done = far.run("-o", "PubkeyAuthentication=no", "target", "true")
    assert done.returncode == 255
    assert b"qxub: target: " in done.stderr


def test_an_unknown_host_and_a_bad_option(far: Far) -> None:
    assert far.run("-o", "Port=none", "target", "true").returncode == 78
    assert far.run("-x", "target").returncode == 2
    done = far.run("-t", "-T", "target")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"-t asks for a terminal, and -T for none" in done.stderr


def test_stdin_from_a_pipe_a_file_and_nowhere(far: Far) -> None:
    data = both_streams.random_bytes(1, 300_000)
    assert far.fed(data, "target", "cat") == (0, data, b"")
    assert far.fed(data, "target", "-n", "cat; echo end") == (0, b"end\n", b"")
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        assert said(far.run("target", "cat", stdin=file)) == (0, data, b"")
    assert said(far.run("target", "cat; echo end")) == (0, b"end\n", b"")


def test_a_login_shell_reads_its_commands_from_stdin(far: Far) -> None:
    assert far.fed(b"echo x; exit 5\n", "target") == (5, b"x\n", b"")


def test_what_the_command_does_not_read_is_no_error(far: Far) -> None:
    data = bytes(20_000_000)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        assert said(far.run("target", "head -c 1", stdin=file)) == (0, b"\0", b"")


def test_a_stdin_that_cannot_be_read(far: Far, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    done = far.run("target", "cat", stdin=descriptor)
    os.close(descriptor)
    assert (done.returncode, done.stdout) == (255, b"")
    assert done.stderr == (
        b"qxub: target: cannot read stdin, or set the terminal: Bad file descriptor\n"
    )


def test_the_end_does_not_wait_for_a_stdin_that_stays_open(far: Far) -> None:
    with far.qxub.start(*far.words, "target", "echo x", stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"x\n"
        assert process.wait() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="its shell closes no streams")
@pytest.mark.parametrize(("closed", "out"), [("<&-", b"end\n"), (">&-", b"")])
def test_streams_that_are_closed(far: Far, closed: str, out: bytes) -> None:
    words = [sys.executable, *far.qxub.launcher, *far.words, "target", "cat; echo end"]
    argv = ["sh", "-c", f'exec "$@" {closed}', "sh", *words]
    done = subprocess.run(
        argv,
        cwd=far.qxub.directory,
        env={**far.qxub.environment, "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert said(done) == (0, out, b"")


def test_a_reader_that_leaves_ends_it_quietly(far: Far) -> None:
    with far.qxub.start(*far.words, "target", "yes") as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_told(far: Far) -> None:
    with Path("/dev/full").open("wb") as full:
        process = far.qxub.start(*far.words, "target", "echo x", stdout=full)
    with process:
        _, err = process.communicate()
    assert process.returncode == 255
    assert b"target: cannot write the command's output: No space left on device" in err
    assert b"Traceback" not in err


@pytest.fixture
def configured(client: Qxub, sshd: Sshd, tmp_path: Path) -> Callable[..., Far]:
    """Make a Far whose ssh_config begins with further lines."""

    def configure(*lines: str) -> Far:
        file = tmp_path / "ssh_config"
        file.write_text("\n".join((*lines, sshd.ssh_config.read_text())))
        return Far(client, file)

    return configure


def test_remote_command(configured: Callable[..., Far]) -> None:
    far = configured("RemoteCommand echo %n; exit 3")
    assert said(far.run("target")) == (3, b"target\n", b"")
    done = far.run("target", "true")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"names a command for target already (RemoteCommand)" in done.stderr
    assert said(far.run("target", "-o", "RemoteCommand=none", "echo", "x")) == (0, b"x\n", b"")


def test_stdin_null(configured: Callable[..., Far]) -> None:
    assert configured("StdinNull yes").fed(b"x\n", "target", "cat") == (0, b"", b"")


def test_match_command(configured: Callable[..., Far]) -> None:
    far = configured('SetEnv LC_A=a\nMatch command "echo x"\n    Port 1')
    assert far.run("target", "echo", "x").returncode == 255
    assert far.run("target", "echo", "y").returncode == 0


ENVIRONMENT = {"LC_A": "a b", "LC_B": "b", "LC_BB": "c", "LC_C": "d", "LD_X": "x", "TERM": "t"}
SEND_AND_SET = "SendEnv LC_? LC_BB LD_*\nSendEnv -LC_B* TERM\nSetEnv LC_B=*set* LC_C=c\n"
SHOW = 'echo "$LC_A,$LC_B,$LC_BB,$LC_C,$LD_X"; test "$TERM" = t'


def test_environment(client: Qxub, user_sshd: Sshd, tmp_path: Path) -> None:
    """The server takes LC_*; LD_X is offered in vain."""
    client.environment.update(ENVIRONMENT)
    config = tmp_path / "ssh_config"
    config.write_text(user_sshd.ssh_config.read_text() + SEND_AND_SET)
    done = Far(client, config).run("target", SHOW)
    assert said(done) == (1, b"a b,*set*,,c,\n", b"")
    if shutil.which("ssh"):
        argv = ["ssh", "-n", "-F", str(config), "target", SHOW]
        theirs = subprocess.run(
            argv, env={**os.environ, **ENVIRONMENT}, capture_output=True, check=False
        )
        assert theirs.stdout == done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="its environment is text")
def test_an_environment_that_is_no_text(client: Qxub, user_sshd: Sshd) -> None:
    client.environment["LC_A"] = os.fsdecode(b"\xff\xe9")
    words = ("-o", "SendEnv=LC_A", "target", 'printf %s "$LC_A"')
    assert said(Far(client, user_sshd.ssh_config).run(*words)) == (0, b"\xff\xe9", b"")


def test_timeout(client: Qxub, user_sshd: Sshd) -> None:
    far = Far(client, user_sshd.ssh_config)
    words = b"qxub: target: the command's time was over, and it was ended\n"
    line = "trap 'echo ended; exit 3' TERM; echo begun; { while :; do sleep 0.05; done; } 2>&-"
    assert said(far.run("--timeout", "2s", "target", line)) == (124, b"begun\nended\n", words)
    assert said(far.run("--timeout", "1m", "target", "exit 3")) == (3, b"", b"")
