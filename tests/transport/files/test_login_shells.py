"""The plain way asks every login shell the same."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from qxub.transport import FileNotFound, connect, open_files
from tests.fakes.both_streams import random_bytes
from tests.transport.files.sites import HOSTILE, openssh

WHICH = "sh -c 'readlink /proc/$PPID/exe'; true"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")


@pytest.mark.parametrize("login_shell", ["bash", "dash", "zsh", "tcsh", "fish"])
def test_login_shells(tmp_path: Path, login_shell: str) -> None:
    content = random_bytes(1, 3_000_000)
    with (
        openssh(tmp_path / "server", login_shell=login_shell) as site,
        tempfile.TemporaryDirectory(prefix="qxub-test-far-") as name,
        connect(site.host) as connection,
        open_files(connection) as files,
    ):
        shells: list[bytes] = []
        connection.run(WHICH, stdout=shells.append, stderr=lambda _: None)
        assert login_shell.encode() in b"".join(shells)
        far = site.give(Path(name))
        assert files.way == "plain"
        for hostile in HOSTILE:
            path = name.encode() + b"/" + hostile
            files.put(b"content", path)
            assert files.stat(path).size == 7
        assert sorted(files.listdir(name)) == sorted(
            hostile.decode("utf-8", "surrogateescape") for hostile in HOSTILE
        )
        files.put(content, str(far / "file"))
        got = bytearray()
        files.get(str(far / "file"), got.extend)
        assert got == content
        with pytest.raises(FileNotFound):
            files.stat(str(far / "missing"))
