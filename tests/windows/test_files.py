"""The user's files, in Windows' places, as Windows' programs write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.windows.far_side import FarSide
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

EXIT_7 = '--platform far -- sh -c "exit 7"'


@pytest.fixture
def home(prompt: Prompt, far_side: FarSide) -> Path:
    """The profile of a user with ssh's files, and no configuration of qxub yet."""
    far_side.write_ssh_files(prompt.profile)
    return prompt.profile


@pytest.mark.parametrize(
    "written",
    [
        r"%USERPROFILE%\my settings\my config.yaml",
        r".\my settings\..\my settings/my config.yaml",
    ],
)
def test_config_option(prompt: Prompt, home: Path, far_side: FarSide, written: str) -> None:
    (home / "my settings").mkdir()
    (home / "my settings" / "my config.yaml").write_text(far_side.config())
    assert prompt.type(f'qxub exec --config "{written}" {EXIT_7}').returncode == 7


def test_full_path_with_a_drive_letter(prompt: Prompt, home: Path, far_side: FarSide) -> None:
    (home / "my config.yaml").write_text(far_side.config())
    path = prompt.path("my config.yaml")
    assert path.startswith("C:\\users\\Ann Example ")
    assert prompt.type(f'qxub exec --config "{path}" {EXIT_7}').returncode == 7


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_config_as_notepad_writes_it(
    prompt: Prompt, home: Path, far_side: FarSide, encoding: str
) -> None:
    text = "# größer\n" + far_side.config()
    (home / "config.yaml").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert prompt.type(f"qxub exec --config config.yaml {EXIT_7}").returncode == 7


def test_a_bad_config_is_named_with_its_line(prompt: Prompt) -> None:
    (prompt.profile / "config.yaml").write_bytes(b"platforms:\r\n  far: [\r\n")
    ended = prompt.type(f"qxub exec --config config.yaml {EXIT_7}")
    assert ended.returncode == 78
    assert b"config.yaml, line 3" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_ssh_config_as_notepad_writes_it(prompt: Prompt, home: Path, far_side: FarSide) -> None:
    """Its lines name files with drive letters, backslashes and spaces, quoted and with ~."""
    ssh = home / ".ssh"
    (ssh / "id_ed25519").rename(home / "my key")
    (ssh / "known_hosts").rename(ssh / "my hosts")
    text = (ssh / "config").read_bytes().decode()
    text += f'    IdentityFile "{prompt.path("my key")}"\r\n'
    text += '    UserKnownHostsFile "~\\.ssh\\my hosts"\r\n'
    (ssh / "config").write_bytes(text.encode("utf-8-sig"))
    (home / "config.yaml").write_text(far_side.config())
    ended = prompt.type(f"qxub exec --config config.yaml {EXIT_7}")
    assert ended.returncode == 7, ended.stderr
