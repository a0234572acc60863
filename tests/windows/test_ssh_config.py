"""ssh_config under the Windows Python: its two files, and the corpus's cases from Windows."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.windows.wine import CHECKOUT

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

# Prints what the host h is, with no machine but the one that it runs on.
SHOW = """
import json
from qxub.transport.ssh_config import host_config, look_up
found = look_up("h")
files = [str(path) for path in host_config(found).identity_files]
print(json.dumps({**dict(found.lines()), "files": files}))
"""
PARTS = ("__init__.py", "transport", "data")


def test_users_file_then_systems(prompt: Prompt) -> None:
    """%USERPROFILE%\\.ssh\\config, as Notepad writes it, and %PROGRAMDATA%\\ssh\\ssh_config."""
    users, systems = prompt.profile / ".ssh", prompt.profile / "program data" / "ssh"
    for directory in (users / "conf.d", systems):
        directory.mkdir(parents=True)
    text = "Include conf.d\\*.conf\r\nHost h\r\n  HostName größer.example.org\r\n"
    (users / "config").write_bytes(text.encode("utf-8-sig"))
    (users / "conf.d" / "a.conf").write_bytes(b"IdentityFile ~\\.ssh\\id\r\nUser CORP\\ann\r\n")
    (systems / "ssh_config").write_bytes(b"User other\r\nPort 2222\r\n")
    (prompt.profile / "show.py").write_text(SHOW, encoding="utf-8")

    ended = prompt.type(r'set "PROGRAMDATA=%USERPROFILE%\program data" & python show.py')
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    found = json.loads(ended.stdout)
    assert (found["user"], found["port"]) == (r"CORP\ann", "2222")
    assert found["hostname"] == "größer.example.org"
    assert [path.lower() for path in found["files"]] == [prompt.path(".ssh", "id").lower()]


def test_no_file(prompt: Prompt) -> None:
    (prompt.profile / "show.py").write_text(SHOW, encoding="utf-8")
    ended = prompt.type("python show.py")
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")
    assert json.loads(ended.stdout)["port"] == "22"


def test_cases_of_the_corpus(prompt: Prompt) -> None:
    for part in PARTS:
        source, copy = CHECKOUT / "tests" / part, prompt.profile / "tests" / part
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(source, copy)
    ended = prompt.type("python -m tests.transport.ssh_config -k win-")
    printed = ended.stdout.decode(errors="replace")
    assert ended.returncode == 0, printed + ended.stderr.decode(errors="replace")
    agree, _, asked, *_ = printed.splitlines()[-1].split()
    assert agree == asked
    assert int(asked) >= 14
