"""What goes wrong before there is a job: a clear message, the right status, never a traceback."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.real.processes import free_port
from tests.windows.far_side import CONFIG_FILE

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows

TRUE = "qxub exec --platform far -- true"


def message_of(prompt: Prompt, line: str, status: int) -> str:
    """Run a line that must fail with `status`, and give its message, checked to be a clean one."""
    ended = prompt.type(line)
    message = ended.stderr.decode()
    assert (ended.returncode, ended.stdout) == (status, b""), message
    assert "Traceback" not in message
    assert "\x1b" not in message, "colours are for a console"
    return message


def change_ssh_config(prompt: Prompt, pattern: str, replacement: str) -> None:
    config = prompt.profile / ".ssh" / "config"
    config.write_text(re.sub(pattern, replacement, config.read_text()))


def test_unknown_host_key(laptop: Prompt) -> None:
    (laptop.profile / ".ssh" / "known_hosts").write_text("")
    message = message_of(laptop, TRUE, 255)
    assert "SHA256:" in message
    assert laptop.path(".ssh", "known_hosts").lower() in message.lower()


def test_changed_host_key(laptop: Prompt) -> None:
    known_hosts = laptop.profile / ".ssh" / "known_hosts"
    (line,) = (text for text in known_hosts.read_text().splitlines() if "ssh-ed25519" in text)
    known_hosts.write_text(line[:-4] + "AAAA\r\n")
    assert "known_hosts:1" in message_of(laptop, TRUE, 255)


def test_unreachable_host(laptop: Prompt) -> None:
    change_ssh_config(laptop, r"Port \d+", f"Port {free_port()}")
    assert "far: cannot connect to 127.0.0.1" in message_of(laptop, TRUE, 255)


def test_host_without_an_address(laptop: Prompt) -> None:
    change_ssh_config(laptop, r"HostName \S+", "HostName no-such-host.invalid")
    assert "no-such-host.invalid" in message_of(laptop, TRUE, 255)


def test_refused_key(laptop: Prompt) -> None:
    (laptop.profile / ".ssh" / "id_ed25519").unlink()
    assert "did not let" in message_of(laptop, TRUE, 255)


def test_bad_ssh_config(laptop: Prompt) -> None:
    change_ssh_config(laptop, r"Port \d+", "Port many")
    message = message_of(laptop, TRUE, 78)
    assert "port takes a port from 1 to 65535" in message
    assert r"\.ssh\config:3" in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("qxub exec --platform far", "no command was given"),
        ("qxub exec --platform nowhere -- true", "unknown platform 'nowhere'"),
        ("qxub exec --no-such-option -- true", "--no-such-option"),
        ("qxub exec --mem many -- true", "many"),
    ],
)
def test_usage_errors(laptop: Prompt, line: str, words: str) -> None:
    assert words in message_of(laptop, line, 2)


def test_a_missing_directory_on_the_far_side(laptop: Prompt) -> None:
    config = laptop.profile / CONFIG_FILE
    config.write_text(re.sub(r"working_dir: .*", "working_dir: /no/such/place", config.read_text()))
    assert "stage working_dir" in message_of(laptop, TRUE, 71)


def test_no_scheduler_on_this_machine(prompt: Prompt) -> None:
    assert "scheduler" in message_of(prompt, "qxub exec -- true", 69)
