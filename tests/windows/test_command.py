"""The commands that need no cluster, and the laptop itself: it has what Windows has, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from qxub import __version__

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows


def test_version(prompt: Prompt) -> None:
    ended = prompt.type("qxub --version")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.decode("ascii").split()[:2] == ["qxub", __version__]


def test_help_names_the_commands(prompt: Prompt) -> None:
    ended = prompt.type("qxub --help")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"Usage: qxub" in ended.stdout
    assert b"exec" in ended.stdout


@pytest.mark.usefixtures("each_python")
def test_the_wheel_gives_qxub_exe_and_qx_exe(prompt: Prompt) -> None:
    packages = prompt.python.directory / "Lib" / "site-packages"
    (record,) = packages.glob("qxub-*.dist-info/RECORD")
    files = {line.partition(",")[0] for line in record.read_text().splitlines()}
    assert {"../../Scripts/qxub.exe", "../../Scripts/qx.exe"} <= files
    assert prompt.type("qx.exe --help & qxub.exe --version").returncode == 0


def test_qx_is_qxub_exec(prompt: Prompt) -> None:
    short, long = prompt.type("qx --help"), prompt.type("qxub exec --help")
    assert (short.returncode, short.stdout) == (0, long.stdout)


def test_a_windows_without_openssh_and_without_home(prompt: Prompt) -> None:
    """So nothing that the other tests show can come from an ssh.exe, or from Linux' settings."""
    assert prompt.type("ssh -V").returncode != 0
    names = {line.partition("=")[0] for line in prompt.type("set").stdout.decode().splitlines()}
    assert "USERPROFILE" in names
    assert not [name for name in names if name in {"HOME", "LANG"} or name.startswith("PYTHON")]


def test_demo_shows_the_client_and_says_that_a_job_needs_bash(prompt: Prompt) -> None:
    ended = prompt.type("qxub demo")
    assert (ended.returncode, ended.stderr) == (0, b"")
    shown = " ".join(ended.stdout.decode("ascii").split())
    assert "a batch job needs bash, and there is none here" in shown
    assert "stdout a command" in shown
    assert "stderr a warning" in shown


def test_the_demo_of_the_readme_ends_with_the_command_s_status(prompt: Prompt) -> None:
    assert prompt.type('qxub demo -- python -c "exit(7)" >nul').returncode == 7
