"""SFTP servers that are poor, wrong or hostile; what their statuses say is never passed over."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import ChannelError, FileError, connect, open_files, resolve
from tests.fakes import sftp_server
from tests.fakes.both_streams import random_bytes
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import Files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")

SIZE = 2_000_000


@contextlib.contextmanager
def served(tmp_path: Path, fault: str) -> Iterator[Files]:
    command = f"{sys.executable} {sftp_server.__file__} {fault}"
    with running_sshd(tmp_path / "server", sftp=command) as server:
        host = resolve("target", config_file=server.ssh_config)
        with connect(host) as connection, open_files(connection, "sftp") as files:
            yield files


@pytest.fixture
def far(tmp_path: Path) -> Path:
    directory = tmp_path / "far"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("fault", ["none", "extensions", "short", "order", "deep"])
def test_poor_but_right(tmp_path: Path, far: Path, fault: str) -> None:
    """A server may know no extension, give less than asked for, and answer in any order.

    One that answers nothing before it has been asked much would wait for ever, were there a round
    trip for each block.
    """
    content = random_bytes(1, SIZE)
    with served(tmp_path, fault) as files:
        files.put(content, str(far / "file"), mode=0o640)
        got = bytearray()
        files.get(str(far / "file"), got.extend)
        assert got == content
        assert files.listdir(str(far)) == ["file"]
        assert files.stat(str(far / "file")).mode == 0o640


def test_without_posix_rename_nothing_is_replaced(tmp_path: Path, far: Path) -> None:
    """Removing the target first would leave a moment, or a failure, without any."""
    (far / "file").write_bytes(b"old")
    with (
        served(tmp_path, "extensions") as files,
        pytest.raises(FileError, match="file: the server cannot replace a file in one step"),
    ):
        files.put(b"new", str(far / "file"))
    assert [path.name for path in far.iterdir()] == ["file"]
    assert (far / "file").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("fault", "words"), [("write", "no room for \ufffd this"), ("close", "Failure")]
)
def test_a_status_is_not_passed_over(tmp_path: Path, far: Path, fault: str, words: str) -> None:
    """Neither that of a write among many under way, nor that of the close."""
    (far / "file").write_bytes(b"old")
    with served(tmp_path, fault) as files:
        with pytest.raises(FileError, match=f"file: the server says: {words}"):
            files.put(bytes(SIZE), str(far / "file"), verify=False)
        assert files.listdir(str(far)) == ["file"]  # the session goes on
    assert (far / "file").read_bytes() == b"old"


@pytest.mark.parametrize("fault", ["length", "more"])
def test_lengths_that_lie(tmp_path: Path, far: Path, fault: str) -> None:
    (far / "file").write_bytes(bytes(SIZE))
    with served(tmp_path, fault) as files:
        with pytest.raises(FileError, match="file: the server says: .* bytes came as"):
            files.get(str(far / "file"), tmp_path / "got", verify=False)
        assert files.stat(str(far / "file")).size == SIZE
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize(
    ("fault", "words"), [("slash", "lists a name with a slash"), ("count", "lists fewer names")]
)
def test_names_that_lie(tmp_path: Path, far: Path, fault: str, words: str) -> None:
    with served(tmp_path, fault) as files, pytest.raises(FileError, match=words):
        files.listdir(str(far))


def test_a_server_that_ends(tmp_path: Path, far: Path) -> None:
    """The line is there still, so it is no loss of that; the next request starts a new one."""
    (far / "file").write_bytes(bytes(SIZE))
    with served(tmp_path, "end") as files:
        with pytest.raises(ChannelError, match="target: SFTP: the server ended it"):
            files.get(str(far / "file"), tmp_path / "got")
        assert files.stat(str(far / "file")).size == SIZE
    assert not (tmp_path / "got").exists()


def test_another_greeting(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="target: SFTP: "), served(tmp_path, "greeting"):
        pass
