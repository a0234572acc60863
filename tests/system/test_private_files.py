"""Files for their owner alone: by mode bits on POSIX, by the access control list on Windows."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from qxub import system
from qxub.system.private_files import make_private_directory, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _open_to_all() -> Iterator[None]:
    """What POSIX programs make is open to everybody, unless they say otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def is_private(path: Path) -> bool:
    """Whether nobody but the owner (and Windows itself) may do anything with it."""
    if sys.platform == "win32":
        from tests.system.read_access_windows import owner_and_trustees

        owner, trustees = owner_and_trustees(path)
        return trustees == {owner, "SY"}  # SY: the local system
    return path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_restrict_to_owner(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "größer"
    path.mkdir() if kind == "directory" else path.write_bytes(b"secret")
    assert not is_private(path)
    system.restrict_to_owner(path)
    assert is_private(path)
    if kind == "file":
        assert path.read_bytes() == b"secret"  # the owner is not locked out
    else:
        (path / "within").write_bytes(b"")
        assert os.listdir(path) == ["within"]  # noqa: PTH208 - as the access check does it


def test_restricting_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        system.restrict_to_owner(tmp_path / "nothing")


def test_a_private_file_is_written_whole_over_an_older_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"older")
    data = bytes(range(256)) + b"\r\n\n\x1a"
    write_private(file, data)
    assert file.read_bytes() == data
    assert is_private(file)
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_directory_that_is_there_already_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "above" / "directory"
    make_private_directory(directory)
    assert is_private(directory)
    with pytest.raises(FileExistsError):
        make_private_directory(directory)
