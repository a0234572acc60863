"""The contract of remote processes with a Windows client: Windows' Python drives a real sshd."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.windows.test_unit_tests import NOT_THERE
from tests.windows.wine import CHECKOUT

if TYPE_CHECKING:
    from tests.real.sshd import Sshd
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

SECONDS = 300
PER_CENT = 5
SELECTED = '-k "sshd or idle or (test_essentials and fake)" tests/transport/contract'
"""but for Dropbear, and where the fake would need a shell"""
SSH_CONFIG = """\
Host target
    HostName {host}
    Port {port}
    User {user}
    IdentityFile ~/.ssh/id_ed25519
    IdentityAgent none
"""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.usefixtures("each_python")
def test_contract(prompt: Prompt, user_sshd: Sshd) -> None:
    lay_out(prompt, user_sshd)
    copy = prompt.profile / "checkout"
    shutil.copytree(CHECKOUT / "tests", copy / "tests", ignore=shutil.ignore_patterns(*NOT_THERE))
    shutil.copy(CHECKOUT / "pyproject.toml", copy)
    line = (
        f"cd checkout & set QXUB_SSH_PERCENT={PER_CENT}&"
        " set QXUB_CONTRACT_HOST=%USERPROFILE%\\.ssh\\config&"
        f" python -m pytest -q -p no:cacheprovider {SELECTED}"
    )
    ended = prompt.type(line, seconds=SECONDS)
    assert ended.returncode == 0, ended.stdout.decode(errors="replace")
    assert b" passed" in ended.stdout


def lay_out(prompt: Prompt, far: Sshd) -> None:
    """Write ssh's files in their default places, with Windows' line ends."""
    (prompt.profile / ".ssh").mkdir()
    for name, text in (
        ("config", SSH_CONFIG.format(host=far.host, port=far.port, user=far.user)),
        ("known_hosts", far.known_hosts.read_text()),
        ("id_ed25519", far.client_key.read_text()),
    ):
        (prompt.profile / ".ssh" / name).write_bytes(text.replace("\n", "\r\n").encode())
