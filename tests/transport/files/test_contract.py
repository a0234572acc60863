"""What files of a host are, by whichever way and on whichever server they are reached."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    FileError,
    FileIntegrityError,
    FileIsDirectory,
    FileKind,
    FileNotFound,
    FilePermissionDenied,
    FileStatus,
    Transfer,
    open_files,
)
from tests.fakes.both_streams import random_bytes
from tests.real.requirements import require
from tests.transport.files.sites import HOSTILE, SITES, is_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qxub.transport import Connection, Files
    from tests.transport.files.sites import Site

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")

MIB = 1 << 20
BEAR_TWO = [name for name in SITES if name != "plain-dropbear"]
"""Dropbear 2022.83 may fail an assertion, which ends the line, when one process ends as another one
is to start (mkj/dropbear#321)"""


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, MIB + 1])
def test_there_and_back(site: Site, files: Files, far: Path, tmp_path: Path, size: int) -> None:
    content = random_bytes(size, size)
    (tmp_path / "here").write_bytes(content)
    sent = files.put(tmp_path / "here", str(far / "there"))
    assert sent == Transfer(size, 0, site.put_check)
    assert (far / "there").read_bytes() == content
    got = files.get(str(far / "there"), tmp_path / "back")
    assert got == Transfer(size, 0, site.get_check)
    assert (tmp_path / "back").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "here"]
    assert [path.name for path in far.iterdir()] == ["there"]


def test_64_mib(site: Site, files: Files, far: Path, tmp_path: Path) -> None:
    content = random_bytes(64, 64 * MIB)
    (tmp_path / "here").write_bytes(content)
    assert files.put(tmp_path / "here", str(far / "there")).check == site.put_check
    assert (far / "there").read_bytes() == content
    assert files.get(str(far / "there"), tmp_path / "back").check == site.get_check
    assert (tmp_path / "back").read_bytes() == content


def test_bytes_and_open_files_and_functions(files: Files, far: Path) -> None:
    content = random_bytes(3, MIB)
    files.put(content, str(far / "bytes"))
    files.put(io.BytesIO(content), str(far / "file"))
    for name in ("bytes", "file"):
        got = bytearray()
        files.get(str(far / name), got.extend)
        assert got == content


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(files: Files, far: Path, name: bytes) -> None:
    path = os.fsencode(far) + b"/" + name
    files.put(b"content", path)
    with open(path, "rb") as file:  # noqa: PTH123 - bytes
        assert file.read() == b"content"
    got = bytearray()
    files.get(path.decode("utf-8", "surrogateescape"), got.extend)
    assert got == b"content"
    assert files.stat(path).size == 7
    assert files.listdir(str(far)) == [name.decode("utf-8", "surrogateescape")]


def test_hostile_directories(files: Files, far: Path, site: Site) -> None:
    for name in HOSTILE:
        directory = site.make_directory(far / os.fsdecode(name))
        files.put(b"x", os.fsencode(directory / "-x"))
        assert files.listdir(os.fsencode(directory)) == ["-x"]
    assert sorted(map(os.fsencode, files.listdir(str(far)))) == sorted(HOSTILE)


def test_relative_names_start_at_home(files: Files, site: Site) -> None:
    if not is_root():
        require("account", "only root can make one, whose home is there to be written to")
    for name in ("-relative", "~"):
        files.put(b"x", name)
        try:
            assert (site.home / name).read_bytes() == b"x"
            assert name in files.listdir()
        finally:
            (site.home / name).unlink()


@pytest.mark.parametrize("name", ["", "with\0nul", b"\0"])
def test_impossible_names(files: Files, name: str | bytes) -> None:
    for act in (
        lambda: files.stat(name),
        lambda: files.listdir(name),
        lambda: files.put(b"", name),
        lambda: files.get(name, lambda _: None),
    ):
        with pytest.raises(ValueError, match="cannot be the name of a file"):
            act()


def test_stat(files: Files, far: Path, site: Site) -> None:
    file = site.write(far / "file", b"12345", 0o640)
    os.utime(file, (1_000_000_000, 1_234_567_890))
    mtime = 1_234_567_890 if site.tells_time else None
    assert files.stat(str(file)) == FileStatus(5, 0o640, mtime, FileKind.FILE)
    site.make_directory(far / "directory").chmod(0o1755)
    status = files.stat(str(far / "directory"))
    assert (status.mode, status.kind) == (0o1755, FileKind.DIRECTORY)
    (far / "link").symlink_to("file")
    assert files.stat(str(far / "link")).kind is FileKind.FILE
    link = files.stat(str(far / "link"), follow=False)
    assert (link.kind, link.size) == (FileKind.SYMLINK, 4)
    assert files.stat("/dev/null").kind is FileKind.OTHER
    assert files.stat("/dev/null").size == 0


def test_modes_of_stat(files: Files, far: Path, site: Site) -> None:
    file = site.write(far / "file")
    for mode in (0o000, 0o777, 0o4711, 0o2644, 0o6750, 0o1666):
        file.chmod(mode)
        assert files.stat(str(file)).mode == mode


def test_listdir(files: Files, far: Path, site: Site) -> None:
    assert files.listdir(str(far)) == []
    names = {".hidden", "..two", "a", *(f"{number:0200}" for number in range(1000))}
    for name in names:
        site.write(far / name)
    (far / "dangling").symlink_to("nowhere")
    site.make_directory(far / "directory")
    site.write(far / "directory" / "below")
    listed = files.listdir(str(far))
    assert len(listed) == len(set(listed))
    assert set(listed) == {*names, "dangling", "directory"}
    (far / "link").symlink_to("directory")
    assert files.listdir(str(far / "link")) == ["below"]


def test_what_is_not_there(files: Files, far: Path, tmp_path: Path) -> None:
    missing = str(far / "missing")
    for act in (
        lambda: files.get(missing, tmp_path / "x"),
        lambda: files.stat(missing),
        lambda: files.listdir(missing),
        lambda: files.put(b"", missing + "/x"),
        lambda: files.put(tmp_path / "missing", missing),
    ):
        with pytest.raises(FileNotFound, match="missing.*: there is no such file") as caught:
            act()
        here = caught.value.path == str(tmp_path / "missing")
        assert caught.value.host == ("" if here else "target")
        assert caught.value.message.startswith("this computer: " if here else "target: ")
    assert list(tmp_path.iterdir()) == list(far.iterdir()) == []


def test_directories_are_no_files(files: Files, far: Path, tmp_path: Path, site: Site) -> None:
    directory = site.make_directory(far / "directory")
    (far / "link").symlink_to("directory")
    (tmp_path / "local").mkdir()
    site.write(far / "file")
    acts: list[Callable[[], Transfer]] = [
        lambda: files.get(str(directory), tmp_path / "x"),
        lambda: files.get(str(far / "link"), tmp_path / "x"),
        lambda: files.put(b"", str(directory)),
        lambda: files.put(b"", str(far / "link")),
        lambda: files.put(b"", str(far / "new") + "/"),
        lambda: files.put(tmp_path / "local", str(far / "x")),
        lambda: files.get(str(far / "file"), tmp_path / "local"),
    ]
    for act in acts:
        with pytest.raises(FileIsDirectory, match="it is a directory"):
            act()
    assert list(directory.iterdir()) == []
    with pytest.raises(FileError, match="[Nn]ot a directory"):
        files.listdir(str(far / "file"))


def test_what_is_neither(files: Files, far: Path, site: Site) -> None:
    subprocess.run(["mkfifo", far / "fifo"], check=True)
    site.give(far / "fifo").chmod(0o600)
    for path in ("/dev/null", str(far / "fifo")):
        with pytest.raises(FileError, match="neither a file nor a directory"):
            files.get(path, lambda _data: None)
        with pytest.raises(FileError, match="neither a file nor a directory"):
            files.put(b"x", path)
    assert stat.S_ISFIFO((far / "fifo").stat().st_mode)


def test_no_permission(files: Files, far: Path, tmp_path: Path, site: Site) -> None:
    secret = site.write(far / "secret", b"x", 0o000)
    closed = site.make_directory(far / "closed")
    site.write(closed / "file", b"old")
    closed.chmod(0o500)
    shut = site.make_directory(far / "shut")
    shut.chmod(0o000)
    for act in (
        lambda: files.get(str(secret), tmp_path / "x"),
        lambda: files.put(b"new", str(closed / "file")),
        lambda: files.put(b"new", str(closed / "other")),
        lambda: files.listdir(str(shut)),
        lambda: files.stat(str(shut / "x")),
    ):
        with pytest.raises(FilePermissionDenied, match="permission denied") as caught:
            act()
        assert caught.value.host == "target"
        assert ".part" not in caught.value.path
    assert (closed / "file").read_bytes() == b"old"
    assert [path.name for path in closed.iterdir()] == ["file"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o600, 0o666, 0o755, 0o400])
def test_mode(files: Files, far: Path, mode: int) -> None:
    """The mode is as given, whatever the umask, and the part is private while it grows."""
    seen: set[int] = set()

    def look(_done: int, _total: int | None) -> None:
        seen.update(stat.S_IMODE(path.stat().st_mode) for path in far.iterdir())

    # more than the line holds, so that some has been written before the last call
    files.put(random_bytes(1, 16 * MIB), str(far / "file"), mode=mode, progress=look)
    assert stat.S_IMODE((far / "file").stat().st_mode) == mode
    assert seen == {0o600}


def test_mode_is_private_unless_told(files: Files, far: Path, tmp_path: Path) -> None:
    files.put(b"x", str(far / "file"))
    assert stat.S_IMODE((far / "file").stat().st_mode) == 0o600
    files.get(str(far / "file"), tmp_path / "file")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    with pytest.raises(ValueError, match="mode"):
        files.put(b"x", str(far / "file"), mode=0o10000)


def test_a_target_is_replaced_in_one_step(files: Files, far: Path, site: Site) -> None:
    """Who reads it all the time sees the old or the new content, and at no time none."""
    target = site.write(far / "target", b"old" * MIB)
    contents = {b"old" * MIB, b"new" * MIB}
    seen: list[bytes] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            seen.append(target.read_bytes())

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        for _ in range(3):
            files.put(b"new" * MIB, str(target))
            files.put(b"old" * MIB, str(target))
    finally:
        done.set()
        reader.join()
    assert set(seen) == contents


def test_a_symbolic_link_stays(files: Files, far: Path, site: Site) -> None:
    directory = site.make_directory(far / "directory")
    target = site.write(directory / "target", b"old")
    (far / "second").symlink_to("directory/first")
    (directory / "first").symlink_to("target")
    (far / "dangling").symlink_to(str(directory / "new\n"))
    files.put(b"new", str(far / "second"))
    assert target.read_bytes() == b"new"
    files.put(b"newer", str(far / "dangling"))
    assert (directory / "new\n").read_bytes() == b"newer"
    assert all((path).is_symlink() for path in (far / "second", directory / "first"))
    (far / "loop").symlink_to("loop")
    with pytest.raises(FileError, match="too many symbolic links"):
        files.put(b"x", str(far / "loop"))


def test_progress_is_monotone_and_ends_at_the_total(files: Files, far: Path) -> None:
    size = 3 * MIB + 5
    steps: list[tuple[int, int | None]] = []
    files.put(bytes(size), str(far / "file"), progress=lambda *step: steps.append(step))
    files.get(str(far / "file"), lambda _: None, progress=lambda *step: steps.append(step))
    half = steps.index((0, size), 1)
    for part in (steps[:half], steps[half:]):
        dones = [done for done, _ in part]
        assert dones == sorted(dones)
        assert (dones[0], dones[-1]) == (0, size)
        assert len(part) > 5
        assert {total for _, total in part} == {size}
    steps.clear()
    files.put(io.BytesIO(bytes(size)), str(far / "file"), progress=lambda *s: steps.append(s))
    assert steps[-1] == (size, None)
    steps.clear()
    files.put(b"", str(far / "empty"), progress=lambda *step: steps.append(step))
    files.get(str(far / "empty"), lambda _: None, progress=lambda *step: steps.append(step))
    assert steps == [(0, 0)] * 2


@pytest.mark.parametrize("site", BEAR_TWO, indirect=True)
def test_two_transfers_at_the_same_time(connection: Connection, far: Path) -> None:
    """Each goes on while the other is in its middle."""
    contents = [random_bytes(number, 8 * MIB) for number in (1, 2)]
    both = threading.Barrier(2, timeout=60)
    failures: list[BaseException] = []

    def transfer(content: bytes, name: str) -> None:
        got = bytearray()

        def meet(done: int, _total: int | None) -> None:
            if 4 * MIB <= done < 4 * MIB + 32 * 1024:
                both.wait()

        try:
            with open_files(connection) as files:
                files.put(content, str(far / name), progress=meet)
                files.get(str(far / name), got.extend)
            assert got == content
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)

    threads = [
        threading.Thread(target=transfer, args=(content, f"file {number}"))
        for number, content in enumerate(contents)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for number, content in enumerate(contents):
        assert (far / f"file {number}").read_bytes() == content


def test_one_files_is_shared_by_threads(files: Files, far: Path) -> None:
    contents = {f"file {number}": random_bytes(number, MIB) for number in range(4)}
    threads = [
        threading.Thread(target=files.put, args=(content, str(far / name)))
        for name, content in contents.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name: path.read_bytes() for path in far.iterdir()} == contents


@pytest.mark.timeout(600)  # tracemalloc looks at each piece
def test_memory_does_not_grow_with_the_file(
    files: Files, far: Path, tmp_path: Path, site: Site
) -> None:
    size = 200 * MIB
    for path in (tmp_path / "sparse", far / "sparse"):
        os.truncate(site.write(path), size)
    tracemalloc.start()
    try:
        files.put(tmp_path / "sparse", str(far / "sent"), verify=False)
        files.get(str(far / "sparse"), tmp_path / "got", verify=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (far / "sent").stat().st_size == (tmp_path / "got").stat().st_size == size
    assert peak < 32 * MIB


def test_a_file_that_grows_is_got_as_it_is(files: Files, far: Path, site: Site) -> None:
    """A log that is written while it is read: what came is a beginning of it."""
    file = site.write(far / "log", bytes(MIB))
    got = bytearray()

    def grow(data: bytes) -> None:
        got.extend(data)
        if len(got) < 2 * MIB:
            with file.open("ab") as log:
                log.write(b"x" * 1000)

    if site.hashes:
        files.get(str(file), grow)
    else:
        with pytest.raises(FileIntegrityError, match="changed while it was read"):
            files.get(str(file), grow)
    assert file.read_bytes().startswith(bytes(got))
    assert len(got) >= MIB


def test_a_file_without_a_size(files: Files) -> None:
    got = bytearray()
    files.get("/proc/cpuinfo", got.extend, verify=False)
    assert got.startswith(b"processor")
