"""What arrived otherwise than it was sent is refused, and replaces nothing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.transport import Check, FileError, FileIntegrityError, connect, open_files
from tests.fakes.both_streams import random_bytes
from tests.transport.files.sites import POSIX_TOOLS, openssh

if TYPE_CHECKING:
    from qxub.transport import Files
    from tests.transport.files.sites import Site

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")

SIZE = 24 << 20
LONG_AGO = 1_000_000_000


@pytest.mark.parametrize("resume", [False, True])
def test_put_damaged_on_the_way(site: Site, files: Files, far: Path, resume: bool) -> None:
    content = random_bytes(5, SIZE)
    target = site.write(far / "target", b"old")

    def damage(done: int, _total: int | None) -> None:
        if done >= SIZE // 2:
            for part in far.glob(".qxub-*.part"):
                with part.open("r+b") as file:
                    file.write(b"damaged!")

    with pytest.raises(FileIntegrityError, match="target: its SHA-256 is another") as caught:
        files.put(content, str(target), resume=resume, progress=damage)
    assert caught.value.host == "target"
    assert target.read_bytes() == b"old"
    assert list(far.iterdir()) == [target]


@pytest.mark.parametrize("resume", [False, True])
def test_got_file_that_changes_meanwhile(
    site: Site, files: Files, far: Path, tmp_path: Path, resume: bool
) -> None:
    source = site.write(far / "source", random_bytes(5, SIZE))
    os.utime(source, (LONG_AGO, LONG_AGO))
    target = tmp_path / "target"
    target.write_bytes(b"old")

    def change(done: int, _total: int | None) -> None:
        if done >= SIZE // 2:
            with source.open("r+b") as file:
                file.write(b"changed!")

    with pytest.raises(FileIntegrityError, match="source: it"):
        files.get(str(source), target, resume=resume, progress=change)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_without_verify_nobody_looks(site: Site, files: Files, far: Path) -> None:
    source = site.write(far / "source", random_bytes(5, SIZE))

    def change(done: int, _total: int | None) -> None:
        if done >= SIZE // 2:
            source.write_bytes(b"")

    done = files.get(str(source), lambda _: None, verify=False, progress=change)
    assert done.check is Check.NONE


@pytest.mark.parametrize(
    ("tool", "script"),
    [
        ("sha256sum", ""),
        ("shasum", ""),
        ("openssl", ""),
        ("sha256sum", "echo {wrong}"),
        ("sha256sum", "echo out of order >&2; exit 3"),
    ],
)
def test_tools_of_the_host(tmp_path: Path, tool: str, script: str) -> None:
    """Each of the tools is used where it is the only one; a hash that is wrong counts."""
    with tempfile.TemporaryDirectory(prefix="qxub-test-tools-") as tools:
        Path(tools).chmod(0o755)
        for name in (*POSIX_TOOLS, *(() if script else (tool, "perl"))):
            program = shutil.which(name)
            assert program is not None
            (Path(tools) / name).symlink_to(program)
        if script:
            (Path(tools) / tool).write_text(
                "#!/bin/sh\ncat >/dev/null\n" + script.format(wrong="0" * 64)
            )
            (Path(tools) / tool).chmod(0o755)
        with (
            openssh(tmp_path / "server", path=tools) as site,
            tempfile.TemporaryDirectory(prefix="qxub-test-far-") as far,
            connect(site.host) as connection,
            open_files(connection) as files,
        ):
            target = site.write(site.give(Path(far)) / "target", b"old")
            if not script:
                assert files.put(b"new", str(target)).check is Check.SHA256
                assert files.get(str(target), lambda _: None).check is Check.SHA256
                return
            refusal = FileIntegrityError if "wrong" in script else FileError
            with pytest.raises(refusal, match="another|out of order"):
                files.put(b"new", str(target))
            with pytest.raises(refusal, match="another|out of order"):
                files.get(str(target), tmp_path / "got")
            assert target.read_bytes() == b"old"
            assert not (tmp_path / "got").exists()
