"""What is sent without waiting for an answer: the login service, "none", and sometimes a key."""

from __future__ import annotations

import dataclasses
import os
import queue
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from qxub.transport import (
    NOBODY,
    AuthenticationError,
    ConnectError,
    Exited,
    connect,
    generate_key_pair,
    resolve,
)
from tests.fakes.login_server import SERVICE_ACCEPT, SERVICE_REQUEST, login_server
from tests.fakes.prompter import Answers
from tests.real.accounts import throw_away_account
from tests.real.dropbear import running_dropbear
from tests.real.ssh_agent import running_agent
from tests.real.sshd import running_sshd, write_key
from tests.transport.test_authentication import encrypted_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig, Prompter
    from tests.fakes.login_server import Desk, Script
    from tests.real.accounts import Account

posix_servers = pytest.mark.skipif(sys.platform == "win32", reason="the servers are POSIX programs")


def nothing_but_none(desk: Desk) -> None:
    """Read "none", and see to it that nothing follows before it is answered."""
    desk.request("none")
    with pytest.raises(queue.Empty):
        desk.arrived.get(timeout=0.5)


def log_in(directory: Path, script: Script, *lines: str, prompter: Prompter = NOBODY) -> None:
    """Log in with a key that is named, after these lines of ssh_config."""
    with login_server(directory, script) as server:
        generate_key_pair(directory / "key")
        connect(server.config(*lines), prompter=prompter).close()


@pytest.mark.parametrize(
    ("line", "prompter"),
    [
        pytest.param("", NOBODY, id="nobody to ask"),
        pytest.param("BatchMode yes", Answers(), id="nobody may be asked"),
        pytest.param("PreferredAuthentications publickey", Answers(), id="keys only"),
        pytest.param(
            "PreferredAuthentications gssapi-with-mic,hostbased,publickey",
            Answers(),
            id="keys after what this client cannot do",
        ),
        pytest.param(
            "PasswordAuthentication no\nKbdInteractiveAuthentication no",
            Answers(),
            id="the others are off",
        ),
    ],
)
def test_a_key_that_is_the_only_way_in_goes_with_none(
    tmp_path: Path, line: str, prompter: Prompter
) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        assert desk.request("publickey").fields.get_boolean()  # with its signature
        desk.refuse("publickey")
        desk.let_in()

    log_in(tmp_path, script, line, prompter=prompter)


@pytest.mark.parametrize(
    ("line", "prompter"),
    [
        pytest.param("", Answers(), id="somebody may know a password"),
        pytest.param('IdentityFile "{}/locked"', NOBODY, id="locked key"),
        pytest.param('IdentityFile "{}/missing"', NOBODY, id="no such key"),
        pytest.param("PreferredAuthentications password,publickey", NOBODY, id="password first"),
    ],
)
def test_otherwise_the_server_is_asked_first(tmp_path: Path, line: str, prompter: Prompter) -> None:
    def script(desk: Desk) -> None:
        nothing_but_none(desk)
        desk.refuse("publickey")
        while not desk.request("publickey").fields.get_boolean():  # an offer without a signature
            desk.refuse("publickey")
        desk.let_in()

    encrypted_key(tmp_path / "locked")
    log_in(tmp_path, script, line.format(tmp_path.as_posix()), prompter=prompter)


def test_a_key_that_is_not_named_waits(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        nothing_but_none(desk)
        desk.let_in()

    with login_server(tmp_path, script) as server:
        generate_key_pair(tmp_path / "key")
        host = server.config()
        origins = {word: place for word, place in host.origins.items() if word != "identityfile"}
        connect(dataclasses.replace(host, origins=origins)).close()


def test_the_key_of_an_agent_is_not_sent_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(desk: Desk) -> None:
        nothing_but_none(desk)
        desk.let_in()

    with running_agent(tmp_path / "agent") as address, login_server(tmp_path, script) as server:
        generate_key_pair(tmp_path / "key")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
        subprocess.run(["ssh-add", "-q", tmp_path / "key"], check=True, env=dict(os.environ))
        connect(server.config("IdentityAgent SSH_AUTH_SOCK")).close()


def test_an_rsa_key_waits_for_the_servers_word_on_algorithms(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        nothing_but_none(desk)
        desk.let_in()

    with login_server(tmp_path, script, says_algorithms=False) as server:
        write_key(tmp_path / "key", rsa.generate_private_key(65537, 2048))
        connect(server.config()).close()


def test_service_and_first_request_are_one_flight(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.read(SERVICE_REQUEST)
        desk.request("none")
        desk.send(SERVICE_ACCEPT, "ssh-userauth")
        desk.let_in()

    with login_server(tmp_path, script, opens=False) as server:
        connect(server.config("PubkeyAuthentication no"), prompter=Answers()).close()


def test_each_reply_is_acknowledged_while_more_are_to_come(tmp_path: Path) -> None:
    """Else sshd, in which Nagle's algorithm is on, would hold the next one back."""

    def script(desk: Desk) -> None:
        desk.read(SERVICE_REQUEST)
        desk.request("none")
        desk.request("publickey")
        desk.send(SERVICE_ACCEPT, "ssh-userauth")
        desk.await_acknowledgement()
        desk.refuse("publickey")
        desk.await_acknowledgement()
        desk.let_in()

    with login_server(tmp_path, script, opens=False) as server:
        generate_key_pair(tmp_path / "key")
        connect(server.config()).close()


def test_a_server_that_wants_nothing_takes_none(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.request("publickey")
        desk.let_in()
        desk.refuse("publickey")  # to be ignored: we are in

    log_in(tmp_path, script)


def test_a_key_that_is_accepted_for_one_step(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.request("publickey")
        desk.refuse("publickey")
        desk.refuse("keyboard-interactive", partial=True)
        desk.request("keyboard-interactive")
        assert desk.ask() == []
        desk.let_in()

    log_in(tmp_path, script)


def test_a_key_that_is_refused_is_not_offered_again(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.request("publickey")
        desk.refuse("publickey")
        desk.refuse("publickey")
        desk.request("publickey")
        desk.let_in()

    generate_key_pair(tmp_path / "other")
    log_in(tmp_path, script, f'IdentityFile "{tmp_path.as_posix()}/other"')


def test_a_key_that_comes_too_early_is_accounted_for(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("password")
        desk.request("publickey")
        desk.refuse("password")

    with pytest.raises(AuthenticationError) as caught:
        log_in(tmp_path, script)
    key, password = caught.value.attempts
    assert key.key == str(tmp_path / "key")
    assert key.answer == "refused (the server takes no keys at this step)"
    assert password.answer.startswith("skipped")
    assert "terminal" in caught.value.hint


def test_a_key_that_comes_too_early_may_be_wanted_later(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.request("publickey")
        desk.refuse("keyboard-interactive")
        desk.refuse("keyboard-interactive")
        desk.request("keyboard-interactive")
        assert desk.ask() == []
        desk.refuse("publickey", partial=True)
        desk.request("publickey")
        desk.let_in()

    log_in(tmp_path, script)


def test_no_answer_to_none_but_a_closed_line(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.transport.close()

    with pytest.raises(ConnectError, match="ended the session before login"):
        log_in(tmp_path, script)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with throw_away_account() as made:
        yield made


def exec_7(host: HostConfig, person: Prompter) -> None:
    with connect(host, prompter=person) as connection:
        done = connection.run("exit 7", stdout=lambda _: None, stderr=lambda _: None)
    assert done == Exited(7)


@posix_servers
@pytest.mark.parametrize("tries", [1, 2])
@pytest.mark.parametrize("methods", ["publickey", "password", "password,publickey"])
def test_few_tries_are_enough(tmp_path: Path, account: Account, methods: str, tries: int) -> None:
    options = (
        f"MaxAuthTries {tries}",
        "PasswordAuthentication yes",
        f"AuthenticationMethods {methods}",
        f"AuthorizedKeysFile {account.home}/.ssh/authorized_keys",
    )
    with running_sshd(tmp_path / "sshd", *options, user=account.name) as server:
        account.authorize(server.client_key.with_name("client_key.pub").read_text())
        host = resolve("target", config_file=server.ssh_config)
        wrong = ["wrong"] * (tries - 1)
        exec_7(host, Answers([*wrong, account.password]))
        if methods == "publickey":
            exec_7(host, NOBODY)


@posix_servers
def test_a_server_that_counts_the_key_as_one_too_many(tmp_path: Path) -> None:
    options = ("MaxAuthTries 1", "PasswordAuthentication yes", "AuthenticationMethods password")
    with running_sshd(tmp_path, *options) as server:
        host = resolve("target", config_file=server.ssh_config)
        with pytest.raises(AuthenticationError, match="Too many authentication failures") as caught:
            connect(host)
        assert "PreferredAuthentications password,publickey" in caught.value.hint
        careful = dataclasses.replace(host, preferred_authentications=("password", "publickey"))
        with pytest.raises(AuthenticationError) as caught:
            connect(careful)
        assert [attempt.method for attempt in caught.value.attempts] == ["password"]


@posix_servers
def test_dropbear_takes_a_key_ahead(tmp_path: Path, account: Account) -> None:
    with running_dropbear(tmp_path / "dropbear", account.name) as server:
        account.authorize(generate_key_pair(server.client_key))
        exec_7(resolve("target", config_file=server.ssh_config), NOBODY)
