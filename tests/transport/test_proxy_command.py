"""ProxyCommand: a relay in Python, and sshd itself on the command's pipes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    ConnectError,
    ConnectionLost,
    Exited,
    HostConfigError,
    connect,
    resolve,
)
from tests.fakes import relay
from tests.fakes.both_streams import random_bytes
from tests.fakes.prompter import Answers
from tests.fakes.scenarios import BIG, BIG_ON_BOTH_STREAMS
from tests.real.sshd import find_sshd

if TYPE_CHECKING:
    from qxub.transport import HostConfig
    from tests.real.sshd import Sshd

HANG = 60
"""seconds after which something hangs; nothing here takes a tenth of it"""


def join(*argv: str) -> str:
    return subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv)


def python(source: str) -> str:
    """A command that runs a line of Python, without a shell where there is none."""
    return join(sys.executable, "-I", "-S", "-c", source)


def by_relay(host: HostConfig, *options: str) -> HostConfig:
    """The host, by a relay to its port; its HostName has no address of its own."""
    argv = [sys.executable, "-I", "-S", relay.__file__, host.hostname, str(host.port), *options]
    return dataclasses.replace(
        host,
        hostname="nowhere.invalid",
        host_key_alias=host.known_hosts_name,
        proxy_command=join(*argv),
    )


def run(host: HostConfig, command: str, stdin: bytes = b"") -> tuple[object, bytes, bytes]:
    out, err = bytearray(), bytearray()
    with connect(host) as connection:
        end = connection.run(command, stdin=stdin, stdout=out.extend, stderr=err.extend)
    return end, bytes(out), bytes(err)


def test_from_the_configuration_with_tokens(sshd: Sshd, tmp_path: Path) -> None:
    python = join(sys.executable, "-I", "-S", relay.__file__)
    config = tmp_path / "config"
    config.write_text(
        f"Host target\n    ProxyCommand {python} %h %p\n{sshd.ssh_config.read_text()}"
    )
    assert run(resolve("target", config_file=config), "exit 7") == (Exited(7), b"", b"")


def test_much_arrives_whole_in_both_directions(host: HostConfig) -> None:
    by = by_relay(host)
    end, out, err = run(by, BIG_ON_BOTH_STREAMS)
    assert (end, out == random_bytes(1, BIG), err == random_bytes(2, BIG)) == (
        Exited(0),
        True,
        True,
    )
    sent = random.Random(4).randbytes(20_000_000)  # noqa: S311 - reproducible, not secret
    end, out, _ = run(by, "cat", stdin=sent)
    assert end == Exited(0)
    assert hashlib.sha256(out).digest() == hashlib.sha256(sent).digest()


def test_sshd_on_the_pipes_of_the_command(sshd: Sshd) -> None:
    target = resolve("target", config_file=sshd.ssh_config)
    program = find_sshd()
    assert program is not None
    command = shlex.join([program, "-i", "-f", str(sshd.directory / "sshd_config")])
    assert run(dataclasses.replace(by_relay(target), proxy_command=command), "exit 7")[0] == Exited(
        7
    )


def test_stderr_is_told_live_and_does_not_block(host: HostConfig) -> None:
    prompter = Answers()
    with connect(by_relay(host, "--noise", "1000000"), prompter=prompter) as connection:
        told = list(prompter.told)
        assert connection.run("exit 7", stdout=_ignore, stderr=_ignore) == Exited(7)
    assert sum(len(text) for text in told) > 1_000_000
    assert told[0].startswith(r"target: ProxyCommand: relay: \x1b[31mnoise\x1b[0m ....")


def test_prompter_that_fails_does_not_block_the_command(host: HostConfig) -> None:
    class Fails(Answers):
        def tell(self, text: str) -> None:
            raise ValueError(text)

    with connect(by_relay(host, "--noise", "200000"), prompter=Fails()) as connection:
        assert connection.run("exit 7", stdout=_ignore, stderr=_ignore) == Exited(7)


def test_command_that_dies_at_once(host: HostConfig) -> None:
    command = python("import os; os.write(2, b'one\\r\\ntwo\\a'); os._exit(7)")
    begun = time.monotonic()
    with pytest.raises(ConnectError) as caught:
        connect(dataclasses.replace(host, proxy_command=command))
    assert time.monotonic() - begun < HANG
    assert str(caught.value) == "target: ProxyCommand ended with exit status 7:\n  one\n  two\\x07"


def test_origin_of_the_command_is_named(host: HostConfig) -> None:
    origins = {"proxycommand": ("config:3",)}
    with pytest.raises(ConnectError, match=r"^target: config:3: ProxyCommand ended with exit st"):
        connect(
            dataclasses.replace(host, proxy_command=python("raise SystemExit(1)"), origins=origins)
        )


def test_command_that_is_not_there(host: HostConfig) -> None:
    with pytest.raises(ConnectError, match="no-such-program"):
        connect(dataclasses.replace(host, proxy_command="no-such-program %h"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
def test_command_that_is_killed(host: HostConfig) -> None:
    with pytest.raises(ConnectError, match="ProxyCommand was ended by the signal SIGKILL"):
        connect(dataclasses.replace(host, proxy_command="sh -c 'kill -9 $$'"))


def test_command_that_dies_in_the_middle(host: HostConfig) -> None:
    with connect(by_relay(host, "--die-after", "100000")) as connection:
        process = connection.start(BIG_ON_BOTH_STREAMS)
        with pytest.raises(ConnectionLost) as caught:
            process.drain(_ignore, _ignore)
        with pytest.raises(ConnectionLost):
            connection.start("true")
    assert "ProxyCommand ended with exit status 3:" in str(caught.value)
    assert r"\x07 dies as told" in str(caught.value)


def test_command_that_is_silent(host: HostConfig) -> None:
    sleep = python("import time; time.sleep(1000)")
    silent = dataclasses.replace(host, proxy_command=sleep, connect_timeout=1.0)
    with pytest.raises(ConnectError, match="connect time of 1 s was up, before an SSH banner"):
        connect(silent)


def test_command_that_does_not_speak_ssh(host: HostConfig) -> None:
    talks = dataclasses.replace(host, proxy_command=python("print('no SSH')"), connect_timeout=HANG)
    with pytest.raises(ConnectError, match="ProxyCommand ended with exit status 0"):
        connect(talks)


def test_standard_streams_are_refused(host: HostConfig) -> None:
    with pytest.raises(HostConfigError, match="own standard input and output") as caught:
        connect(dataclasses.replace(host, proxy_command="-"))
    assert caught.value.hint


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("trap", ["", "trap '' TERM;"], ids=["ends", "does not want to end"])
def test_closing_ends_the_command_and_its_children(
    host: HostConfig, tmp_path: Path, trap: str
) -> None:
    mark = tmp_path / "numbers"
    record = f"{trap} echo $$ > {mark}; sleep 1000 & echo $! >> {mark}"
    script = f"{record}; {by_relay(host).proxy_command}; :"
    by = dataclasses.replace(by_relay(host), proxy_command=f"sh -c {shlex.quote(script)}")
    with connect(by) as connection:
        assert connection.run("true", stdout=_ignore, stderr=_ignore) == Exited(0)
    numbers = [int(line) for line in mark.read_text().split()]
    assert len(numbers) == 2
    deadline = time.monotonic() + HANG
    while any(_runs(number) for number in numbers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_command_has_a_session_of_its_own(host: HostConfig, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("sessions are POSIX's")
    mark = tmp_path / "session"
    record = f"{join(sys.executable, '-c', 'import os; print(os.getsid(0))')} > {mark}"
    script = f"{record}; exec {by_relay(host).proxy_command}"
    by = dataclasses.replace(by_relay(host), proxy_command=f"sh -c {shlex.quote(script)}")
    with connect(by):
        assert int(mark.read_text()) != os.getsid(0)


def test_idle_line_costs_no_time(host: HostConfig) -> None:
    with connect(by_relay(host)) as connection, connection.start("cat") as process:
        begun = time.process_time()
        time.sleep(3)
        used = time.process_time() - begun
        process.close_stdin()
        assert process.drain(_ignore, _ignore) == Exited(0)
    assert used < 0.3  # a thread that spins takes all of the three seconds


def test_line_may_be_closed_from_any_thread_and_twice() -> None:
    from qxub.transport import HostConfig
    from qxub.transport.proxy_command import run_proxy_command

    cat = python("import os\nwhile data := os.read(0, 9): os.write(1, data)")
    sock = run_proxy_command(HostConfig("h", "h", 22, "u", proxy_command=cat), Answers())
    sock.settimeout(HANG)
    assert sock.send(b"echo") == 4
    assert sock.recv(100) == b"echo"
    sock.settimeout(0.01)
    with pytest.raises(socket.timeout):
        sock.recv(1)
    sock.settimeout(HANG)
    sock.shutdown(socket.SHUT_RDWR)
    assert sock.recv(1) == b""
    sock.close()
    sock.close()
    sock.join()


def _runs(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return " Z " not in status


def _ignore(_data: bytes) -> None:
    """Take output that the test does not look at."""
