"""The first contact with a host from a Windows laptop, and the second."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport.known_hosts import fingerprint, read_known_hosts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.windows.far_side import FarSide
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows
if sys.platform == "win32":
    pytest.skip("Wine's console is drawn on a pseudo-terminal", allow_module_level=True)
from tests.windows import console_posix  # noqa: E402 - see above

EXIT_7 = 'qxub exec --platform far -- sh -c "exit 7"'
QUESTION = "(yes/no/[fingerprint])?"


@pytest.fixture
def known_hosts(laptop: Prompt) -> Path:
    """Where the user's known_hosts would be; there is none yet."""
    file = laptop.profile / ".ssh" / "known_hosts"
    file.unlink()
    return file


@pytest.mark.usefixtures("each_python")
def test_first_contact_asks_and_the_second_is_silent(
    laptop: Prompt, far_side: FarSide, known_hosts: Path
) -> None:
    def answer() -> tuple[int, str]:
        with console_posix.typed_on_console(laptop, EXIT_7) as console:
            console.wait_for(QUESTION)
            console.press("yes\r")
            return console.exit_status(), console.screen

    status, screen = laptop.wine.outlive(answer)
    assert status == 7, screen
    (line,) = read_known_hosts([known_hosts])
    name = f"[{far_side.sshd.host}]:{far_side.sshd.port}"
    assert (line.hosts, line.key_type) == (name, "ssh-ed25519")
    assert f"ED25519 key fingerprint is {fingerprint(line.blob)}." in screen
    assert known_hosts.read_bytes().count(b"\n") == 1
    ended = laptop.type(EXIT_7)
    assert (ended.returncode, ended.stderr) == (7, b"")


def test_a_person_declines(laptop: Prompt, known_hosts: Path) -> None:
    def answer() -> tuple[int, str]:
        with console_posix.typed_on_console(laptop, EXIT_7) as console:
            console.wait_for(QUESTION)
            console.press("no\r")
            return console.exit_status(), console.screen

    status, screen = laptop.wine.outlive(answer)
    assert status == 255, screen
    assert "was not accepted" in screen
    assert not known_hosts.exists()


def test_a_line_is_added_to_what_an_editor_left(laptop: Prompt, known_hosts: Path) -> None:
    """CRLF, a mark at the beginning, and no end of the last line: as Notepad writes it."""
    before = "\ufeffother ssh-ed25519 AAAA\r\n# my hosts".encode()
    known_hosts.write_bytes(before)

    def answer() -> tuple[int, str]:
        known_hosts.write_bytes(before)
        with console_posix.typed_on_console(laptop, EXIT_7) as console:
            console.wait_for(QUESTION)
            console.press("yes\r")
            return console.exit_status(), console.screen

    status, screen = laptop.wine.outlive(answer)
    assert status == 7, screen
    text = known_hosts.read_bytes()
    assert text.startswith(before + b"\n[127.0.0.1]:")
    assert text.count(b"\n") == 3
