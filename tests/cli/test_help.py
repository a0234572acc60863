"""What loads, and what does not, when qxub is only asked what it can do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub import __version__

if TYPE_CHECKING:
    from tests.cli.conftest import Qxub

HEAVY = {"paramiko", "cryptography", "requests", "yaml", "sshconf"}


@pytest.fixture
def qxub(client: Qxub) -> Qxub:
    return client


def modules_after(code: str) -> set[str]:
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "words",
    [["--help"], ["exec", "--help"], ["exec", "--nonsense"], ["ssh", "--help"]],
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    loaded = modules_after(f"from qxub.cli.main import qxub; qxub({words})")
    assert "click" in loaded
    assert not HEAVY & loaded


def test_importing_qxub_loads_nothing_heavy() -> None:
    assert not (HEAVY | {"click"}) & modules_after("import qxub")


def test_ssh_config_needs_no_paramiko() -> None:
    loaded = modules_after("from qxub.cli.main import qxub; qxub(['ssh', 'config', 'h', '-Fnone'])")
    assert "qxub.transport.ssh_config" in loaded
    assert not HEAVY & loaded


def test_reading_ssh_config_needs_no_paramiko() -> None:
    code = "from qxub.transport import resolve; resolve('h', config_file='none')"
    assert not HEAVY & modules_after(code)


def test_the_version_tells_the_wire_s_too(qxub: Qxub) -> None:
    assert qxub("--version").stdout.decode().split() == ["qxub", __version__, "(wire", "1)"]


def test_qx_is_qxub_exec() -> None:
    code = "from qxub.cli.main import qx; import sys; sys.exit(qx(['--help']))"
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert said.startswith("Usage: qxub exec [OPTIONS] -- COMMAND...")


def test_help_lists_every_command(qxub: Qxub) -> None:
    said = qxub("--help").stdout.decode()
    for command in ("exec", "demo", "ssh"):
        assert f"  {command} " in said
        assert qxub(command, "--help").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["exec", "--help"],
        ["demo", "--help"],
        ["ssh", "-h"],
        *(["ssh", name, "--help"] for name in ("config", "hosts", "run", "trust", "add")),
        ["ssh", "config", "-F", "none", "gadi"],
        ["ssh", "config", "-F", "none", "--origin", "gadi"],
        ["ssh", "config", "-F", "none", "--json", "gadi"],
    ],
)
def test_what_a_full_disk_does_not_take_is_told(qxub: Qxub, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full, qxub.start(*words, stdout=full) as process:
        _, err = process.communicate()
    what = {"--version": "version", "gadi": "answer"}.get(words[-1], "help")
    told = f"qxub: the {what} cannot be written to stdout: No space left on device"
    assert (process.returncode, err.decode().splitlines()) == (2, [told])
