"""Logins by password and real one-time codes: OpenSSH's sshd with PAM, and Dropbear."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    AuthenticationError,
    Callbacks,
    Exited,
    connect,
    generate_key_pair,
    resolve,
)
from tests.fakes.prompter import Answers
from tests.real.accounts import authenticator, pam_service, throw_away_account
from tests.real.dropbear import running_dropbear
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig, Prompter
    from tests.real.accounts import Account, Authenticator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")

KEY_THEN_CODE = (
    "UsePAM yes",
    "KbdInteractiveAuthentication yes",
    "PermitRootLogin yes",
    "AuthenticationMethods publickey,keyboard-interactive:pam",
)
OPEN = ("account required pam_permit.so", "session required pam_permit.so")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with throw_away_account() as made:
        yield made


def run_true(host: HostConfig, person: Prompter) -> None:
    with connect(host, prompter=person) as connection:
        done = connection.run("exit 7", stdout=lambda _: None, stderr=lambda _: None)
    assert done == Exited(7)


@pytest.fixture
def two_factor(tmp_path: Path) -> Iterator[tuple[HostConfig, Authenticator]]:
    """A host that asks for a key and then for a code."""
    device = authenticator(tmp_path)
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(pam_service(device.pam_line, *OPEN))
        sshd = running_sshd(tmp_path / "sshd", *KEY_THEN_CODE, program_name=name)
        server = stack.enter_context(sshd)
        yield resolve("target", config_file=server.ssh_config), device


def test_key_then_a_real_code(two_factor: tuple[HostConfig, Authenticator]) -> None:
    host, device = two_factor
    asked = []

    def ask(text: str, echo: bool) -> str:
        asked.append((text, echo))
        return device.code()

    run_true(host, Callbacks(ask))
    assert asked == [(f"({host.user}@127.0.0.1) Verification code: ", False)]


def test_a_code_counts_once(two_factor: tuple[HostConfig, Authenticator]) -> None:
    host, device = two_factor
    code = device.code()
    run_true(host, Answers([code]))
    with pytest.raises(AuthenticationError) as caught:
        connect(host, prompter=Answers([code] * 3))
    key, *codes = caught.value.attempts
    assert key.answer == "accepted, and the server asks for a further step"
    assert {attempt.answer for attempt in codes} == {"refused (asked for 'Verification code:')"}
    assert caught.value.methods == ("keyboard-interactive",)
    assert "A one-time code counts once" in caught.value.hint


def test_batch_mode_says_what_is_missing(two_factor: tuple[HostConfig, Authenticator]) -> None:
    person = Answers(["1"])
    with pytest.raises(AuthenticationError) as caught:
        connect(dataclasses.replace(two_factor[0], batch_mode=True), prompter=person)
    assert person.asked == []
    assert "keyboard-interactive: skipped: switched off by BatchMode yes" in caught.value.message


def test_password_and_code_in_one_conversation(tmp_path: Path, account: Account) -> None:
    device = authenticator(tmp_path)
    lines = ("auth required pam_unix.so", device.pam_line, *OPEN)
    options = ("UsePAM yes", "KbdInteractiveAuthentication yes")
    person = Callbacks(lambda text, _: account.password if "Password" in text else device.code())
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(pam_service(*lines))
        sshd = running_sshd(tmp_path / "sshd", *options, user=account.name, program_name=name)
        server = stack.enter_context(sshd)
        run_true(resolve("target", config_file=server.ssh_config), person)


def test_password_then_key(tmp_path: Path, account: Account) -> None:
    options = (
        "PasswordAuthentication yes",
        "AuthenticationMethods password,publickey",
        f"AuthorizedKeysFile {account.home}/.ssh/authorized_keys",
    )
    with running_sshd(tmp_path / "sshd", *options, user=account.name) as server:
        account.authorize(server.client_key.with_name("client_key.pub").read_text())
        host = resolve("target", config_file=server.ssh_config)
        run_true(host, Answers(["wrong", account.password]))


def test_password_only(tmp_path: Path, account: Account) -> None:
    options = ("PasswordAuthentication yes", "PubkeyAuthentication no", "Banner /etc/hostname")
    with running_sshd(tmp_path / "sshd", *options, user=account.name) as server:
        host = resolve("target", config_file=server.ssh_config)
        person = Answers(["wrong", account.password])
        run_true(host, person)
        assert person.asked == [(f"{account.name}@127.0.0.1's password: ", False)] * 2
        assert len(person.told) == 2  # the banner, and "try again"
        with pytest.raises(AuthenticationError) as caught:
            connect(host, prompter=Answers(["wrong"] * 3))
        assert len(caught.value.attempts) == 3


def test_dropbear(tmp_path: Path, account: Account) -> None:
    with running_dropbear(tmp_path / "dropbear", account.name) as server:
        host = resolve("target", config_file=server.ssh_config)
        run_true(host, Answers(["wrong", account.password]))
        with pytest.raises(AuthenticationError) as caught:
            connect(host, prompter=Answers(["wrong"] * 3))
        assert "publickey" in caught.value.methods
        account.authorize(generate_key_pair(server.client_key))
        run_true(host, Answers())
