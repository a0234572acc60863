"""The files on this side, on every system."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import FileError, FileIsDirectory, FileNotFound
from qxub.transport.files.local import LocalPart, SourceFile, part_name

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_000_000_000


def is_private(path: Path) -> bool:
    if sys.platform == "win32":
        from tests.system.read_access_windows import owner_and_trustees

        owner, trustees = owner_and_trustees(path)
        return trustees == {owner, "SY"}  # SY: the local system
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_is_replaced_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "größer ,;="
    target.write_bytes(b"old\r\n")
    part = LocalPart(target, keep=False)
    with part.writing(0, None) as write:
        write(b"new\n\x00\x1a")
        write(b"\r\n")
        assert target.read_bytes() == b"old\r\n"
        assert is_private(part.path)
    assert target.read_bytes() == b"new\n\x00\x1a\r\n"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("keep", [False, True])
def test_a_failure_leaves_the_target(tmp_path: Path, keep: bool) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    part = LocalPart(target, keep=keep)

    def interrupted() -> None:
        with part.writing(0, LONG_AGO) as write:
            write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_bytes() == b"old"
    assert part.path.exists() == keep
    if keep:
        left = LocalPart(target, keep=True).status()
        assert left is not None
        assert (left.st_size, left.st_mtime) == (3, LONG_AGO)


def test_a_part_is_continued(tmp_path: Path) -> None:
    part = LocalPart(tmp_path / "target", keep=True)
    assert part.status() is None
    part.path.write_bytes(b"one\r\n")
    assert part.hash_of(3).hexdigest() == hashlib.sha256(b"one").hexdigest()
    with part.writing(5, None) as write:
        write(b"two\r\n")
    assert (tmp_path / "target").read_bytes() == b"one\r\ntwo\r\n"


def test_a_part_from_the_start(tmp_path: Path) -> None:
    """What was there is not used, nor what it leads to."""
    part = LocalPart(tmp_path / "target", keep=True)
    part.path.write_bytes(b"something else, and longer")
    with part.writing(0, None) as write:
        write(b"new")
    assert (tmp_path / "target").read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="making links takes a privilege there")
def test_links(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    part = LocalPart(tmp_path / "link", keep=True)
    part.path.symlink_to(tmp_path / "real")
    assert part.status() is None
    with part.writing(0, None) as write:
        write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_directory_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(FileIsDirectory, match="^this computer: .*: it is a directory$") as caught:
        LocalPart(tmp_path, keep=False)
    assert caught.value.host == ""
    with pytest.raises(FileIsDirectory):
        SourceFile(tmp_path)


def test_what_is_missing(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "x"
    with pytest.raises(FileNotFound, match="^this computer: "):
        SourceFile(missing)
    part = LocalPart(missing, keep=False)
    with pytest.raises(FileNotFound, match="^this computer: "), part.writing(0, None):
        pass


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere an open file can be replaced")
def test_a_target_that_is_open(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    part = LocalPart(target, keep=False)
    with pytest.raises(FileError), target.open("rb"), part.writing(0, None) as write:
        write(b"new")
    assert target.read_bytes() == b"old"
    assert not part.path.exists()


def test_names_of_parts() -> None:
    assert part_name(b"x", again=True) == part_name(b"x", again=True) != part_name(b"y", again=True)
    assert part_name(b"x", again=False) != part_name(b"x", again=False)
    assert len(part_name(b"x" * 255, again=True)) < 32


def test_sources(tmp_path: Path) -> None:
    content = os.urandom(700_000)
    (tmp_path / "file").write_bytes(content)
    for source, size in (
        (content, len(content)),
        (tmp_path / "file", len(content)),
        (str(tmp_path / "file"), len(content)),
        (io.BytesIO(content), None),
    ):
        with SourceFile(source) as opened:
            assert opened.size == size
            assert b"".join(opened.blocks()) == content


def test_an_open_file_stays_open() -> None:
    file = io.BytesIO(b"x")
    with SourceFile(file):
        pass
    assert not file.closed


def test_a_source_that_cannot_go_back() -> None:
    class Pipe(io.BytesIO):
        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation("it is a pipe")

    said = "the open file: this computer says: it is a pipe"
    with SourceFile(Pipe(b"content")) as source, pytest.raises(FileError, match=said):
        source.starts_with(3, "0" * 64)
