"""Logging in from Windows: an agent on the pipe, codes and passphrases on a real console."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.real.accounts import authenticator, pam_service
from tests.real.sshd import running_sshd
from tests.windows.far_side import FarSide
from tests.windows.wine import CHECKOUT, windows_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.accounts import Authenticator
    from tests.windows.prompt import Prompt

pytestmark = pytest.mark.windows
if sys.platform == "win32":
    pytest.skip("Wine's console is drawn on a pseudo-terminal", allow_module_level=True)
from tests.windows import console_posix  # noqa: E402 - see above

KEY_THEN_CODE = (
    "UsePAM yes",
    "KbdInteractiveAuthentication yes",
    "PermitRootLogin yes",
    "AuthenticationMethods publickey,keyboard-interactive:pam",
)
OPEN = ("account required pam_permit.so", "session required pam_permit.so")
ECHO = "qxub exec --platform far -- echo hello"
PASSPHRASE = "open sesame"  # noqa: S105 - of a key made here


def on_console(prompt: Prompt, question: str, answer: str) -> tuple[int, str]:
    """Answer a question that the line asks; give its exit status and the screen."""

    def attempt() -> tuple[int, str]:
        with console_posix.typed_on_console(prompt, ECHO) as console:
            console.wait_for(question)
            console.press(answer + "\r")
            return console.exit_status(), console.screen

    return prompt.wine.outlive(attempt)


def test_a_key_in_the_agent_of_windows(laptop: Prompt) -> None:
    key = (laptop.profile / ".ssh" / "id_ed25519").rename(laptop.profile / "agents-key")
    checkout = windows_path(CHECKOUT, laptop.wine.root.drive_c)
    helper = f'python -m tests.windows.agent_and_line "{laptop.path(key.name)}"'
    ended = laptop.type(f"cd /d {checkout} & {helper} {ECHO}")
    assert (ended.returncode, ended.stdout) == (0, b"hello\n"), ended.stderr.decode()
    assert laptop.type(ECHO).returncode == 255  # no other way led in


def test_passphrase_is_asked_for_and_not_shown(laptop: Prompt) -> None:
    lock(laptop.profile / ".ssh" / "id_ed25519")
    status, screen = on_console(laptop, "Enter passphrase for key", PASSPHRASE)
    assert status == 0, screen
    assert "hello" in screen
    assert PASSPHRASE not in screen


def lock(file: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_ssh_private_key(file.read_bytes(), None)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )


@pytest.fixture
def two_factor(
    prompt: Prompt, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prompt, Authenticator]]:
    """A laptop whose cluster asks for a key and a code."""
    device = authenticator(tmp_path)
    with pam_service(device.pam_line, *OPEN) as name:
        sshd = running_sshd(tmp_path / "sshd", *KEY_THEN_CODE, program_name=name)
        with sshd as server:
            far = FarSide(server, tmp_path_factory.mktemp("two factor"), {})
            far.lay_out("local")
            far.write_user_files(prompt.profile)
            yield prompt, device
            end_jobs(far.state)


def end_jobs(state: Path) -> None:
    if sys.platform != "win32":
        from qxub.execution.local_batch.queue_posix import LocalBatch

        LocalBatch(state).end_all()


def test_key_then_a_real_code(two_factor: tuple[Prompt, Authenticator]) -> None:
    laptop, device = two_factor
    code = device.code()
    status, screen = on_console(laptop, "Verification code: ", code)
    assert status == 0, screen
    assert "hello" in screen
    assert code not in screen


def test_without_a_console_the_code_is_missed(two_factor: tuple[Prompt, Authenticator]) -> None:
    ended = two_factor[0].type(ECHO)
    assert ended.returncode == 255
    assert b"asked for 'Verification code:', and there was no answer" in ended.stderr
