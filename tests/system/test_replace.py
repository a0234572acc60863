"""Renaming over a file: in one step, also while another program has that file open."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from qxub import system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = "import sys; f = open(sys.argv[1]); print('held', flush=True); sys.stdin.read(1)"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "new", tmp_path / "target größer"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    return source, target


@contextlib.contextmanager
def held_open(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process have the file open for reading, until something is sent to it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"held")
        yield process


def test_the_target_need_not_be_there(files: tuple[Path, Path]) -> None:
    source, target = files
    target.unlink()
    system.replace(source, target)
    assert (target.read_bytes(), source.exists()) == (b"new", False)


def test_it_takes_the_target_s_place(files: tuple[Path, Path]) -> None:
    source, target = files
    system.replace(source, target)
    assert (target.read_bytes(), source.exists()) == (b"new", False)


def test_a_target_that_another_program_has_open_for_a_moment(files: tuple[Path, Path]) -> None:
    source, target = files
    with held_open(target) as holder:
        assert holder.stdin is not None
        release = threading.Timer(0.5, holder.stdin.close)
        release.start()
        system.replace(source, target)
        release.join()
    assert (target.read_bytes(), source.exists()) == (b"new", False)


def test_a_target_that_stays_open(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "win32":
        pytest.skip("POSIX renames over a file that is open")
    from qxub.system import _windows

    monkeypatch.setattr(_windows, "REPLACE_SECONDS", 0.3)
    source, target = files
    with held_open(target), pytest.raises(PermissionError) as caught:
        system.replace(source, target)
    assert target.name in str(caught.value)
    assert (target.read_bytes(), source.read_bytes()) == (b"old", b"new")
