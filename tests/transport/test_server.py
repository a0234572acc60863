"""The loopback server as `qxub demo` uses it: real processes behind sessions."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    ChannelError,
    ConnectionLost,
    Exited,
    Signalled,
    connect,
    generate_key_pair,
)
from qxub.transport.server_process import serve_subprocess
from tests.fakes.ssh_host import fake_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport.session import Session
    from tests.fakes.ssh_host import FakeHost

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and a shell")


@pytest.fixture
def python_host(tmp_path: Path) -> Iterator[FakeHost]:
    """A host whose shell is Python: each command is run by `python -c`."""

    def handler(session: Session) -> None:
        argv = [sys.executable, "-c", session.command.decode()]
        serve_subprocess(session, argv, env=os.environ, cwd=tmp_path)

    with fake_host(tmp_path / "python", handler=handler) as host:
        yield host


def run(host: FakeHost, code: str, stdin: bytes = b"") -> tuple[object, bytes, bytes]:
    out, err = bytearray(), bytearray()
    with connect(host.config()) as connection:
        end = connection.run(code, stdin=stdin, stdout=out.extend, stderr=err.extend)
    return end, bytes(out), bytes(err)


def test_streams_and_status_of_a_process(python_host: FakeHost) -> None:
    code = "import sys; sys.stderr.write('err'); print(sys.stdin.read() * 2, end=''); sys.exit(7)"
    assert run(python_host, code, b"in") == (Exited(7), b"inin", b"err")


def test_large_streams(python_host: FakeHost) -> None:
    data = bytes(range(256)) * 20_000
    code = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    assert run(python_host, code, data) == (Exited(0), data, b"")


def test_process_that_ends_with_stdin_open(python_host: FakeHost) -> None:
    with connect(python_host.config()) as connection, connection.start("pass") as process:
        assert process.drain(lambda _: None, lambda _: None) == Exited(0)


@posix_only
def test_signal_is_forwarded_and_reported(python_host: FakeHost) -> None:
    code = "import time; print('up', flush=True); time.sleep(600)"
    with connect(python_host.config()) as connection, connection.start(code) as process:
        end = process.drain(lambda _: process.signal("USR1"), lambda _: None)
    assert isinstance(end, Signalled)
    assert end.name == "USR1"


def test_program_that_is_missing(tmp_path: Path) -> None:
    def handler(session: Session) -> None:
        serve_subprocess(session, ["no-such-program"], env=os.environ, cwd=tmp_path)

    with fake_host(tmp_path / "fake", handler=handler) as host:
        end, _, err = run(host, "x")
    assert end == Exited(127)
    assert err.startswith(b"no-such-program: ")


def test_client_that_leaves_ends_stdin_but_not_the_process(
    python_host: FakeHost, tmp_path: Path
) -> None:
    code = "import sys; print('up', flush=True); sys.stdin.read(); open('ended', 'w').close()"
    with connect(python_host.config()) as connection, connection.start(code) as process:

        class GoneError(Exception):
            pass

        def leave(_data: bytes) -> None:
            raise GoneError

        with pytest.raises(GoneError):
            process.drain(leave, leave)
    deadline = time.monotonic() + 60
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stopping_the_server_ends_its_processes(tmp_path: Path) -> None:
    def handler(session: Session) -> None:
        code = "import time; print('up', flush=True); time.sleep(600)"
        serve_subprocess(session, [sys.executable, "-c", code], env=os.environ, cwd=tmp_path)

    with fake_host(tmp_path / "fake", handler=handler) as host:
        connection = connect(host.config())
        process = connection.start("x")
        stop = threading.Thread(target=host.server.stop)

        def stop_once(_data: bytes) -> None:
            if stop.ident is None:
                stop.start()

        with pytest.raises(ConnectionLost):
            process.drain(stop_once, stop_once)
        stop.join()
        connection.close()


def test_refused_command(fake: FakeHost) -> None:
    with connect(fake.config()) as connection, pytest.raises(ChannelError, match="target: "):
        connection.start("not a scenario")


def test_dropped_line(tmp_path: Path) -> None:
    def handler(session: Session) -> None:
        session.write_stdout(b"x" * 1000)
        session.drop_line()

    with fake_host(tmp_path / "fake", handler=handler) as host:
        out = bytearray()
        with connect(host.config()) as connection, pytest.raises(ConnectionLost) as caught:
            connection.run("x", stdout=out.extend, stderr=out.extend)
    assert caught.value.stdout_bytes == len(out) == 1000


def test_no_status_is_its_own_kind(tmp_path: Path) -> None:
    from qxub.transport import NoStatus

    with fake_host(tmp_path / "fake", handler=lambda session: session.write_stdout(b"x")) as host:
        assert run(host, "x") == (NoStatus(), b"x", b"")


def test_key_pair_is_private_and_never_overwritten(tmp_path: Path) -> None:
    public = generate_key_pair(tmp_path / "key")
    assert (tmp_path / "key.pub").read_text() == public + "\n"
    if sys.platform != "win32":
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        generate_key_pair(tmp_path / "key")
