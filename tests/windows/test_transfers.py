"""Files put on the cluster from Windows and got back, by SFTP and without."""

from __future__ import annotations

import hashlib
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from tests.real.sshd import running_sshd
from tests.windows import transfers
from tests.windows.far_side import FarSide

if TYPE_CHECKING:
    from pathlib import Path

    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows


@pytest.mark.usefixtures("each_python")
@pytest.mark.parametrize("way", ["sftp", "plain"])
def test_there_and_back(prompt: Prompt, tmp_path: Path, way: str) -> None:
    shutil.copy(transfers.__file__, prompt.profile)
    far = tmp_path / "far"
    far.mkdir()
    subsystem = "internal-sftp" if way == "sftp" else ""
    with running_sshd(tmp_path / "server", sftp=subsystem) as server:
        FarSide(server, tmp_path, {}).write_ssh_files(prompt.profile)
        ended = prompt.type(f"python transfers.py far {way} {far}")
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    (file,) = far.iterdir()
    assert file.name == transfers.NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert hashlib.sha256(file.read_bytes()).hexdigest().encode() == ended.stdout.strip()
    assert not list(prompt.profile.glob(".qxub-*"))
