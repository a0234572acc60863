"""Ways to the cluster from Windows: a ProxyCommand, which CreateProcess starts, and a jump host."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.fakes import relay
from tests.fakes.both_streams import random_bytes
from tests.fakes.scenarios import BIG, BIG_ON_BOTH_STREAMS
from tests.windows.wine import windows_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

SEVEN = 'qxub exec --platform far -- sh -c "echo out; echo err >&2; exit 7"'


def add_to_ssh_config(prompt: Prompt, line: str) -> None:
    config: Path = prompt.profile / ".ssh" / "config"
    config.write_text(f"Host far\n    {line}\n{config.read_text()}")


def relaying(prompt: Prompt, *options: str) -> str:
    """A ProxyCommand: this Windows Python runs the relay, which lies in the profile."""
    script = prompt.profile / "relay script.py"
    shutil.copy(relay.__file__, script)
    path = windows_path(script, prompt.wine.root.drive_c)
    return " ".join([prompt.python.program, "-I", "-S", f'"{path}"', "%h", "%p", *options])


@pytest.mark.usefixtures("each_python")
def test_proxy_command(laptop: Prompt) -> None:
    add_to_ssh_config(laptop, f"ProxyCommand {relaying(laptop)}")
    ended = laptop.type(SEVEN)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, b"out\n", b"err\n")


def test_much_through_a_proxy_command(laptop: Prompt) -> None:
    add_to_ssh_config(laptop, f"ProxyCommand {relaying(laptop)}")
    ended = laptop.type(f"qxub exec --platform far -- {BIG_ON_BOTH_STREAMS}")
    assert ended.returncode == 0
    assert (ended.stdout == random_bytes(1, BIG), ended.stderr == random_bytes(2, BIG)) == (
        True,
        True,
    )


@pytest.mark.usefixtures("each_python")
def test_proxy_command_that_dies(laptop: Prompt) -> None:
    add_to_ssh_config(laptop, f"ProxyCommand {relaying(laptop, '--die-after', '1')}")
    ended = laptop.type(SEVEN)
    message = ended.stderr.decode()
    assert (ended.returncode, ended.stdout) == (255, b""), message
    assert "ProxyCommand ended with exit status 3" in message
    assert r"relay: \x07 dies as told" in message
    assert "Traceback" not in message


def test_proxy_command_that_is_not_there(laptop: Prompt) -> None:
    add_to_ssh_config(laptop, "ProxyCommand no-such-program %h %p")
    ended = laptop.type(SEVEN)
    message = ended.stderr.decode()
    assert (ended.returncode, ended.stdout) == (255, b""), message
    assert "ProxyCommand no-such-program" in message
    assert "cannot be started" in message


@pytest.mark.usefixtures("each_python")
def test_jump_host(laptop: Prompt) -> None:
    """The cluster's sshd is the jump host to itself, under another name."""
    config = laptop.profile / ".ssh" / "config"
    text = config.read_text().replace("Host far", "Host far jump")
    config.write_text(f"Host far\n    ProxyJump jump\n{text}")
    ended = laptop.type(SEVEN)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, b"out\n", b"err\n")
