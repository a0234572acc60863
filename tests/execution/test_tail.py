"""What is appended to a file comes out, once and in order, whatever becomes of the file."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.execution.tail import SHARE, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Followed:
    """A file, and what has come out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = b""
        self.tail = Tail(path, self._take)

    def _take(self, data: bytes) -> None:
        self.seen += data

    def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    made = Followed(tmp_path / "stdout")
    yield made
    made.tail.close()


def test_what_is_appended_comes_once(followed: Followed) -> None:
    for data in (b"one", b"", b"\0two\r\n", b"x" * 200_000):
        followed.append(data)
        assert followed.tail.forward() == len(data)
    assert followed.seen == b"one\0two\r\n" + b"x" * 200_000


def test_a_file_may_come_late(followed: Followed) -> None:
    assert not followed.tail.forward()
    followed.append(b"late")
    assert followed.tail.forward()
    assert followed.seen == b"late"


def test_a_file_that_never_comes_is_no_error(followed: Followed) -> None:
    assert [followed.tail.forward() for _ in range(3)] == [0, 0, 0]


def test_a_truncated_file_is_read_from_its_new_beginning_and_that_is_told_once(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "qxub")
    for text in (b"a long first text", b"second", b"3rd"):
        followed.path.write_bytes(text)
        followed.tail.forward()
    assert followed.seen == b"a long first textsecond3rd"
    assert [record.getMessage() for record in caplog.records] == [
        f"{followed.path} was truncated; it is read from its new beginning"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_a_replaced_file_is_read_to_its_end_and_the_new_one_from_its_beginning(
    followed: Followed,
) -> None:
    followed.append(b"old")
    followed.tail.forward()
    followed.append(b" and its end;")
    new = followed.path.with_name("new")
    new.write_bytes(b"the new one, which is longer")
    new.replace(followed.path)
    assert followed.tail.forward()
    assert followed.seen == b"old and its end;the new one, which is longer"


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_removed_file_is_read_to_its_end(followed: Followed) -> None:
    followed.append(b"first")
    followed.tail.forward()
    followed.append(b", last")
    followed.path.unlink()
    assert followed.tail.forward()
    assert not followed.tail.forward()
    assert followed.seen == b"first, last"


def test_one_look_hands_on_a_share_at_the_most(followed: Followed) -> None:
    followed.append(b"x" * (SHARE + 5))
    assert followed.tail.forward()
    assert len(followed.seen) == SHARE
    assert followed.tail.forward()
    assert len(followed.seen) == SHARE + 5


MEASURE = """
import pathlib, resource, sys
from qxub.execution.tail import Tail
size = 0
def take(data):
    global size
    size += len(data)
tail = Tail(pathlib.Path(sys.argv[1]), take)
while tail.forward():
    pass
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux")
def test_five_gigabytes_cost_no_more_memory_than_five_kilobytes(tmp_path: Path) -> None:
    peaks = []
    for size in (5_000, 5_000_000_000):
        path = tmp_path / str(size)
        with path.open("wb") as file:
            file.truncate(size)
        argv = [sys.executable, "-c", MEASURE, str(path)]
        found, peak = map(int, subprocess.check_output(argv).split())
        assert found == size
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 1_000, peaks
