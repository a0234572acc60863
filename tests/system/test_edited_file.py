"""A file is changed whole, with a backup, and only if it is as it was read."""

from __future__ import annotations

import os
import stat
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from qxub.system.edited_file import FileBusyError, read_content, replace_content

if TYPE_CHECKING:
    from pathlib import Path

has_modes = pytest.mark.skipif(sys.platform == "win32", reason="mode bits mean nothing there")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_bytes(b"old\r\n")
    return path


def test_the_content_is_replaced_and_kept_beside(file: Path) -> None:
    backup = replace_content(file, b"old\r\n", b"new\n")
    assert file.read_bytes() == b"new\n"
    assert backup is not None
    assert backup.read_bytes() == b"old\r\n"
    assert backup.name.startswith(".config.backup-")
    assert sorted(file.parent.iterdir()) == sorted([file, backup])


def test_no_backup_is_lost(file: Path) -> None:
    contents = [b"old\r\n", *(b"%d" % number for number in range(4))]
    backups = [replace_content(file, old, new) for old, new in zip(contents, contents[1:])]
    assert [backup.read_bytes() for backup in backups if backup] == contents[:-1]


@has_modes
@pytest.mark.parametrize("bits", [0o600, 0o644, 0o400, 0o664])
def test_the_mode_is_kept_and_the_backup_is_private(file: Path, bits: int) -> None:
    file.chmod(bits)
    backup = replace_content(file, b"old\r\n", b"new")
    assert mode(file) == bits
    assert backup is not None
    assert mode(backup) == 0o600


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root gives away")
def test_the_owner_is_kept(file: Path) -> None:
    """As when root adds a host for somebody."""
    if sys.platform != "win32":  # for mypy
        os.chown(file, 1234, 1234)
    replace_content(file, b"old\r\n", b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 1234)


def test_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "config"
    assert read_content(file) is None
    assert replace_content(file, None, b"new") is None
    assert read_content(file) == b"new"
    assert [*tmp_path.iterdir()] == [file]
    if sys.platform != "win32":
        assert mode(file) == 0o600


@pytest.mark.parametrize("before", [b"other", None])
def test_a_file_that_was_changed_stays(file: Path, before: bytes | None) -> None:
    with pytest.raises(FileBusyError, match="has been changed in the meantime"):
        replace_content(file, before, b"new")
    assert [*file.parent.iterdir()] == [file]
    assert file.read_bytes() == b"old\r\n"


def test_a_file_that_has_gone(file: Path) -> None:
    file.unlink()
    with pytest.raises(FileBusyError):
        replace_content(file, b"old\r\n", b"new")
    assert [*file.parent.iterdir()] == []


def test_one_at_a_time(file: Path) -> None:
    """Of many that add to what they have read, each one's addition is there, or it was refused."""
    added: list[int] = []

    def add(number: int) -> None:
        before = file.read_bytes()
        try:
            replace_content(file, before, before + b"%d\n" % number)
        except FileBusyError:
            return
        added.append(number)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert added
    assert sorted(map(int, file.read_text().split()[1:])) == sorted(added)


def test_what_another_one_left_is_named(file: Path) -> None:
    left = file.parent / ".config.qxub-new"
    left.write_bytes(b"")
    with pytest.raises(FileBusyError, match=r"if none is, remove .*\.config\.qxub-new"):
        replace_content(file, b"old\r\n", b"new")
    assert left.exists()
