"""Where a server allows little: a full disk, few sessions, no SFTP, no commands."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    ChannelError,
    Check,
    ConnectionLost,
    FileError,
    FileNoSpace,
    connect,
    open_files,
)
from tests.fakes.both_streams import random_bytes
from tests.real.requirements import require
from tests.transport.files.sites import NOISE, SITES, is_root, noisy_bash, openssh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport import Connection, Files
    from tests.transport.files.sites import Site

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")

MIB = 1 << 20
SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/sftp-server",
    "/usr/lib/ssh/sftp-server",
)


SEE_NEW_DISKS = [name for name in SITES if name != "plain-dropbear"]
"""that one has its own view of what is mounted"""


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 4 MiB, which only root can make."""
    if not is_root():
        require("tmpfs", "only root can mount one")
    with tempfile.TemporaryDirectory(prefix="qxub-test-disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", name]
        said = subprocess.run(mount, capture_output=True, text=True, check=False)
        if said.returncode != 0:
            require("tmpfs", said.stderr.strip())
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("site", SEE_NEW_DISKS, indirect=True)
def test_full_disk_of_the_host(files: Files, site: Site, small_disk: Path, resume: bool) -> None:
    target = site.write(site.give(small_disk) / "target", b"old")
    with pytest.raises(FileNoSpace, match="target: no space is left") as caught:
        files.put(bytes(8 * MIB), str(target), resume=resume)
    assert caught.value.host == "target"
    assert target.read_bytes() == b"old"
    left = set(small_disk.iterdir()) - {target}
    assert len(left) == int(resume)
    for part in left:
        part.unlink()
    files.put(b"new", str(target))
    assert target.read_bytes() == b"new"


def test_full_disk_here(files: Files, site: Site, far: Path, small_disk: Path) -> None:
    target = small_disk / "target"
    target.write_bytes(b"old")
    source = site.write(far / "source", bytes(8 * MIB))
    with pytest.raises(FileNoSpace, match="^this computer: .*target: no space is left") as caught:
        files.get(str(source), target)
    assert caught.value.host == ""
    assert list(small_disk.iterdir()) == [target]
    assert target.read_bytes() == b"old"
    assert files.stat(str(source)).size == 8 * MIB


def settles(directory: Path, expected: list[Path]) -> None:
    """The far side tidies up when it hears of the end, which may be after the error here."""
    deadline = time.monotonic() + 20
    while sorted(directory.iterdir()) != sorted(expected):
        assert time.monotonic() < deadline, sorted(directory.iterdir())
        time.sleep(0.01)


class StopError(Exception):
    pass


@pytest.mark.parametrize("error", [StopError, KeyboardInterrupt])
def test_interrupted(
    files: Files, site: Site, far: Path, tmp_path: Path, error: type[BaseException]
) -> None:
    """Nothing is left of it, and what comes next works."""
    content = random_bytes(1, 24 * MIB)
    source = site.write(far / "source", content)

    def stop(done: int, _total: int | None) -> None:
        if done >= 12 * MIB:
            raise error

    for _ in range(2):
        with pytest.raises(error):
            files.put(content, str(far / "target"), progress=stop)
        with pytest.raises(error):
            files.get(str(source), tmp_path / "target", progress=stop)
    settles(far, [source])
    assert list(tmp_path.iterdir()) == []
    files.put(content, str(far / "target"))
    assert (far / "target").read_bytes() == content


def test_a_source_that_cannot_be_read(files: Files, far: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, _count: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(FileError, match="this computer: the open file: .*Input/output error"):
        files.put(Broken(), str(far / "target"))
    settles(far, [])


def test_what_is_asked_within_a_callback(files: Files, far: Path, site: Site) -> None:
    source = site.write(far / "source", bytes(3 * MIB))
    sizes = set()
    got = bytearray()
    files.get(str(source), got.extend, progress=lambda *_: sizes.add(files.stat(str(source)).size))
    assert (sizes, len(got)) == ({3 * MIB}, 3 * MIB)


def test_after_a_loss(site: Site, far: Path, tmp_path: Path) -> None:
    connection = connect(site.host)
    files = open_files(connection)
    connection.close()
    for act in (
        lambda: files.listdir(str(far)),
        lambda: files.put(b"", str(far / "x")),
        lambda: files.get(str(far / "x"), tmp_path / "x"),
    ):
        with pytest.raises(ConnectionLost):
            act()
    files.close()
    with pytest.raises(ConnectionLost):
        open_files(connection, "sftp")


def round_trip(files: Files, far: str) -> tuple[Check, Check]:
    content, got = random_bytes(1, 3 * MIB), bytearray()
    for _ in range(5):
        put = files.put(content, f"{far}/file")
        got.clear()
        received = files.get(f"{far}/file", got.extend)
        assert got == content
    assert files.listdir(far) == ["file"]
    return put.check, received.check


@contextlib.contextmanager
def connected(site: Site) -> Iterator[tuple[Connection, str]]:
    with tempfile.TemporaryDirectory(prefix="qxub-test-far-") as far:
        site.give(Path(far))
        with connect(site.host) as connection:
            yield connection, far


def test_one_session_at_a_time(tmp_path: Path) -> None:
    """SFTP needs it all the time, so nothing else can be run; plain commands come one by one."""
    server = openssh(tmp_path / "server", "MaxSessions 1", sftp="internal-sftp")
    with server as site, connected(site) as (connection, far):
        with open_files(connection) as files:
            assert files.way == "sftp"
            assert round_trip(files, far) == (Check.READ_BACK, Check.SIZE_AND_TIME)
        with open_files(connection, "plain") as files:
            assert files.way == "plain"
            assert round_trip(files, far) == (Check.SHA256, Check.SHA256)


def test_each_way_by_its_name(tmp_path: Path) -> None:
    with openssh(tmp_path / "without") as site, connected(site) as (connection, _):
        with pytest.raises(ChannelError, match="target: the server refused the subsystem sftp"):
            open_files(connection, "sftp")
        with open_files(connection, "plain") as files:
            assert files.way == "plain"
    server = openssh(tmp_path / "with", sftp="internal-sftp")
    with server as site, connected(site) as (connection, _):
        with open_files(connection, "sftp") as files:
            assert files.way == "sftp"
        with pytest.raises(ChannelError, match="subsystem nonsense"):
            connection.start_subsystem("nonsense")


def test_the_noise_is_there(tmp_path: Path) -> None:
    """Else the contract's site would show nothing."""
    out: list[bytes] = []
    err: list[bytes] = []
    with noisy_bash(tmp_path / "server") as site, connected(site) as (connection, _):
        connection.run("true", stdout=out.append, stderr=err.append)
    assert b"".join(out).startswith(b"Welcome!")
    assert b"".join(out).endswith(b"bye\n")
    assert b"a word" in b"".join(err)


def test_noise_that_spoils_sftp(tmp_path: Path) -> None:
    """An SFTP server that the login shell starts cannot be understood; plain commands can."""
    program = next(filter(Path.exists, map(Path, SFTP_SERVERS)), None)
    if program is None:
        require("sftp-server", f"none of {', '.join(SFTP_SERVERS)}")
    server = openssh(tmp_path / "server", login_shell="bash", sftp=str(program))
    with server as site:
        site.write(site.home / ".bashrc", NOISE)
        with connected(site) as (connection, far):
            with pytest.raises(ChannelError, match="SFTP: Garbage packet received"):
                open_files(connection, "sftp")
            with open_files(connection) as files:
                assert files.way == "plain"
                assert round_trip(files, far) == (Check.SHA256, Check.SHA256)


def test_a_subsystem_whose_program_is_missing(tmp_path: Path) -> None:
    server = openssh(tmp_path / "server", sftp="/nonexistent/sftp-server")
    with server as site, connected(site) as (connection, far):
        with pytest.raises(ChannelError, match="target: SFTP: the server ended it"):
            open_files(connection, "sftp")
        with open_files(connection) as files:
            assert files.way == "plain"
            assert files.listdir(far) == []


def test_a_host_that_runs_no_shell(tmp_path: Path) -> None:
    """Neither way: the error shows what was said instead."""
    server = openssh(tmp_path / "server", "ForceCommand echo 'No logins today'; exit 3")
    with (
        server as site,
        connected(site) as (connection, far),
        open_files(connection) as files,
        pytest.raises(ChannelError) as caught,
    ):
        files.listdir(far)
    said = "a POSIX shell cannot be started (exit status 3): No logins today"
    assert caught.value.message == f"target: {said}"
