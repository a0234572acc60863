"""`qxub ssh` at a Windows prompt: the files in their places, with drive letters and line ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

GADI = "qxub ssh add gadi --hostname gadi.nci.org.au --user ab1234"


def said(prompt: Prompt, line: str) -> str:
    """Return stdout of a line that goes well, with Windows' line ends taken off."""
    ended = prompt.type(line)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    return ended.stdout.decode().replace("\r\n", "\n")


def test_config(laptop: Prompt) -> None:
    lines = said(laptop, "qxub ssh config far").splitlines()
    assert lines[0] == "host far"
    places = said(laptop, "qxub ssh config far --origin").splitlines()
    port = next(line for line in places if "  port " in line)
    assert port.startswith("C:\\users\\Ann Example ")
    assert "config:" in port


def test_hosts(laptop: Prompt) -> None:
    hosts = json.loads(said(laptop, "qxub ssh hosts --json"))
    assert "far" in [host["host"] for host in hosts]


def test_add_from_nothing(prompt: Prompt) -> None:
    """The directory and the file are made; lines end as Notepad knows them."""
    key = r"%USERPROFILE%\.ssh\id_ed25519"
    shown = said(prompt, f'{GADI} --identity-file "{key}" --yes')
    file = prompt.profile / ".ssh" / "config"
    path = prompt.path(".ssh", "id_ed25519")
    assert file.read_bytes().decode() == (
        f'Host gadi\r\n  HostName gadi.nci.org.au\r\n  User ab1234\r\n  IdentityFile "{path}"\r\n'
    )
    assert [*file.parent.iterdir()] == [file]
    assert f"written: {prompt.path('.ssh', 'config')}" in shown
    resolved = said(prompt, "qxub ssh config gadi").splitlines()
    assert f"identityfile {path}" in resolved
    assert "user ab1234" in resolved


def test_add_keeps_a_file_as_notepad_wrote_it(prompt: Prompt) -> None:
    """A byte order mark stays first, and no line end changes."""
    mark, defaults = b"\xef\xbb\xbf", "# größer\r\n\r\nHost *\r\n\tUser me".encode()
    file = prompt.profile / ".ssh" / "config"
    file.parent.mkdir()
    file.write_bytes(mark + defaults)
    said(prompt, f"{GADI} --yes")
    block = b"Host gadi\r\n\tHostName gadi.nci.org.au\r\n\tUser ab1234\r\n\r\n"
    comment, everybody = defaults.split(b"Host *")
    assert file.read_bytes() == mark + comment + block + b"Host *" + everybody
    (backup,) = file.parent.glob(".config.backup-*")
    assert backup.read_bytes() == mark + defaults


def test_add_needs_a_console_or_yes(prompt: Prompt) -> None:
    ended = prompt.type(GADI)
    assert ended.returncode == 2
    assert b"there is no terminal to ask at" in ended.stderr
    assert not (prompt.profile / ".ssh").exists()


def test_a_bad_file_is_named_with_its_line(prompt: Prompt) -> None:
    file = prompt.profile / ".ssh" / "config"
    file.parent.mkdir()
    file.write_bytes(b"Host a\r\n  Port no\r\n")
    for line in ("qxub ssh config a", "qxub ssh hosts", f"{GADI} --yes"):
        ended = prompt.type(line)
        assert ended.returncode == 78
        assert b"config:2: port takes a port" in ended.stderr
        assert b"Traceback" not in ended.stderr
