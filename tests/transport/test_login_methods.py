"""Passwords, one-time codes, and chains of methods: driven by what the server says."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import (
    AuthenticationError,
    ConnectionLost,
    connect,
    generate_key_pair,
    lines,
    userauth,
)
from tests.fakes.login_server import (
    ALL,
    BANNER,
    SERVICE_ACCEPT,
    SERVICE_REQUEST,
    LoginHost,
    login_server,
)
from tests.fakes.prompter import Answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.fakes.login_server import Desk, Script

    Start = Callable[..., LoginHost]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    import contextlib

    with contextlib.ExitStack() as stack:

        def run(script: Script, *, opens: bool = True) -> LoginHost:
            server: AbstractContextManager[LoginHost] = login_server(
                tmp_path / "server", script, opens=opens
            )
            host = stack.enter_context(server)
            generate_key_pair(tmp_path / "server" / "key")
            return host

        yield run


def log_in(host: LoginHost, answers: list[str | None], *lines: str) -> Answers:
    person = Answers(answers)
    connect(host.config(*lines), prompter=person).close()
    return person


def refused(host: LoginHost, answers: list[str | None], *lines: str) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        connect(host.config(*lines), prompter=Answers(answers))
    return caught.value


NO_KEYS = "PubkeyAuthentication no"


def password_only(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("password")
    while desk.password() != "sésame":
        desk.refuse("password")
    desk.let_in()


def test_password_is_asked_for_until_it_is_right(start: Start) -> None:
    person = log_in(start(password_only), ["wrong", "sésame"])
    assert person.asked == [("fake@127.0.0.1's password: ", False)] * 2
    assert person.told == ["Permission denied, please try again."]


@pytest.mark.parametrize(("line", "tries"), [("", 3), ("NumberOfPasswordPrompts 1", 1)])
def test_number_of_password_prompts(start: Start, line: str, tries: int) -> None:
    error = refused(start(password_only), ["wrong"] * 9, line)
    assert [str(attempt) for attempt in error.attempts] == ["password: refused"] * tries
    assert error.methods == ("password",)
    assert "Check the password" in error.hint


def test_nobody_answers(start: Start) -> None:
    error = refused(start(password_only), [None])
    assert error.attempts[0].answer == "skipped: the password was not given"
    assert "terminal" in error.hint


def test_batch_mode_never_asks(start: Start) -> None:
    host = start(password_only)
    person = Answers(["sésame"])
    with pytest.raises(AuthenticationError, match="switched off by BatchMode yes") as caught:
        connect(host.config("BatchMode yes"), prompter=person)
    assert person.asked == []
    assert "changed_config:2" in caught.value.hint


def test_a_new_password_is_asked_for(start: Start) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("password")
        assert desk.password() == "old"
        desk.send(60, "Your password has expired\x07", "en")
        fields = desk.request("password").fields
        assert fields.get_boolean()
        assert (fields.get_text(), fields.get_text()) == ("old", "new")
        desk.let_in()

    person = log_in(start(script), ["old", "new", "new"])
    assert person.told == ["Your password has expired\\x07"]


def codes_only(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("keyboard-interactive")
    while True:
        desk.request("keyboard-interactive")
        instruction = "Use your token.\nIt has six digits."
        answers = desk.ask(
            ("Password: ", False), ("Code: ", True), name="Two steps", instruction=instruction
        )
        if answers == ["secret", "123456"]:
            break
        desk.refuse("keyboard-interactive")
    assert desk.ask() == []  # as PAM does at the end
    desk.let_in()


def test_questions_are_asked_as_the_server_says(start: Start) -> None:
    person = log_in(start(codes_only), ["secret", "0", "secret", "123456"])
    questions = [("(fake@127.0.0.1) Password: ", False), ("(fake@127.0.0.1) Code: ", True)]
    assert person.asked == questions * 2
    assert person.told[:2] == ["Two steps", "Use your token.\nIt has six digits."]


def test_refused_code_is_explained(start: Start) -> None:
    error = refused(start(codes_only), ["secret", "0"] * 3)
    attempt = "keyboard-interactive: refused (asked for 'Code:')"
    assert [str(each) for each in error.attempts] == [attempt] * 3
    assert "'Code:'" in error.hint
    assert "once" in error.hint


def test_nobody_knows_the_code(start: Start) -> None:
    error = refused(start(codes_only), ["secret", None])
    assert "asked for 'Code:', and there was no answer" in error.attempts[0].answer
    assert "SSH_ASKPASS" in error.hint


def key_then_code(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("publickey")
    desk.request("publickey")
    desk.refuse("keyboard-interactive", partial=True)
    desk.request("keyboard-interactive")
    while desk.ask(("Verification code: ", False)) != ["42"]:
        desk.refuse("keyboard-interactive")
        desk.request("keyboard-interactive")
    desk.let_in()


def test_key_then_code(start: Start) -> None:
    person = log_in(start(key_then_code), ["42"])
    assert person.asked == [("(fake@127.0.0.1) Verification code: ", False)]


def test_accepted_key_is_not_being_let_in(start: Start) -> None:
    error = refused(start(key_then_code), ["0"] * 3)
    first, *codes = error.attempts
    assert first.answer == "accepted, and the server asks for a further step"
    assert first.fingerprint.startswith("SHA256:")
    assert len(codes) == 3


def test_hint_is_about_the_step_that_was_refused(start: Start, tmp_path: Path) -> None:
    host = start(key_then_code)
    (tmp_path / "open").write_text("a key that others may read")
    (tmp_path / "open").chmod(0o644)
    error = refused(host, ["0"] * 3, f'IdentityFile "{tmp_path / "open"}"')
    assert len(error.attempts) == 5
    assert error.hint.startswith("Check what you answer to 'Verification code:'")


def test_server_that_does_not_wait(start: Start) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("password")
        desk.transport.close()

    with pytest.raises(ConnectionLost) as caught:
        connect(start(script).config(), prompter=Answers(["secret"]))
    assert "at hand" in caught.value.hint


def test_what_a_server_said_before_it_left_is_read(start: Start) -> None:
    """The line takes nothing any more when there is something to acknowledge."""
    said = threading.Event()

    def script(desk: Desk) -> None:
        desk.read(SERVICE_REQUEST)
        desk.request("none")
        desk.send(BANNER, "Bye.", "en")
        desk.send(SERVICE_ACCEPT, "ssh-userauth")
        desk.refuse("password")
        said.set()

    class Leaving(Answers):
        def tell(self, text: str) -> None:
            super().tell(text)
            assert said.wait(60)
            line.shutdown(socket.SHUT_WR)

    host = start(script, opens=False).config()
    person = Leaving(["secret"])
    line = lines.open_line(host, None, time.monotonic() + 60, person)
    with pytest.raises(ConnectionLost) as caught:
        lines.log_in(host, line, time.monotonic() + 60, person)
    assert (person.told, len(person.asked)) == (["Bye."], 1)
    assert "at hand" in caught.value.hint


def test_password_then_code(start: Start) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("password")
        assert desk.password() == "secret"
        desk.refuse("keyboard-interactive", partial=True)
        desk.request("keyboard-interactive")
        assert desk.ask(("OTP: ", True)) == ["42"]
        desk.let_in()

    log_in(start(script), ["secret", "42"])


def test_two_keys(start: Start, tmp_path: Path) -> None:
    blobs = []

    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("publickey")
        for last in (False, True):
            fields = desk.request("publickey").fields
            fields.get_boolean()
            fields.get_binary()
            blobs.append(fields.get_binary())
            if not last:
                desk.refuse("publickey", partial=True)
        desk.let_in()

    host = start(script)
    generate_key_pair(tmp_path / "other")
    log_in(host, [], f'IdentityFile "{tmp_path / "other"}"')
    assert len(set(blobs)) == 2


@pytest.mark.parametrize(
    ("lines", "methods"),
    [
        ((), ["publickey", "keyboard-interactive", "password"]),
        (
            ("PreferredAuthentications password,hostbased,publickey",),
            ["password", "publickey"],
        ),
        ((NO_KEYS, "KbdInteractiveAuthentication no"), ["password"]),
        ((NO_KEYS, "PasswordAuthentication no"), ["keyboard-interactive"]),
        (("BatchMode yes",), ["publickey"]),
    ],
)
def test_order_of_methods(start: Start, lines: tuple[str, ...], methods: list[str]) -> None:
    seen: list[str] = []

    def script(desk: Desk) -> None:
        while True:
            seen.append(desk.request().method)
            desk.refuse(ALL)

    error = refused(start(script), ["x"] * 9, "NumberOfPasswordPrompts 1", *lines)
    assert seen == ["none", *methods]
    assert error.methods == tuple(ALL.split(","))


def test_what_is_switched_off_is_said(start: Start) -> None:
    error = refused(start(password_only), ["x"], "PasswordAuthentication no")
    assert "switched off by PasswordAuthentication no" in error.attempts[0].answer
    assert "changed_config:2" in error.attempts[0].answer
    assert "change PasswordAuthentication" in error.hint


def test_server_that_wants_what_this_client_cannot_do(start: Start) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("gssapi-with-mic,hostbased")

    error = refused(start(script), [])
    assert error.hint == "This client has no way to log in by gssapi-with-mic, hostbased."


def test_slow_person_and_slow_telephone(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is held to ConnectTimeout; and the line answers while the person thinks."""
    alive = threading.Event()

    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("keyboard-interactive")
        desk.request("keyboard-interactive")
        desk.send(60, "", "", "", 1, "Code or push: ", True)
        desk.ping()
        alive.set()
        desk.read(61)
        time.sleep(1.5)  # the telephone rings
        desk.let_in()

    class Slow(Answers):
        def ask(self, text: str, *, echo: bool) -> str | None:
            time.sleep(1.5)
            assert alive.wait(0)
            return super().ask(text, echo=echo)

    monkeypatch.setattr(userauth, "PERSON_SECONDS", 10.0)
    connect(start(script).config("ConnectTimeout 1"), prompter=Slow(["push"])).close()


def test_banner_comes_when_it_is_sent(start: Start) -> None:
    person = Answers(["x"])

    def script(desk: Desk) -> None:
        desk.request("none")
        desk.send(53, "Welcome.\r\nBe \x1b[31mgood\x07.\n", "en")
        desk.send(53, "Second.", "en")
        desk.refuse("password")
        desk.password()
        assert person.told == ["Welcome.\nBe \\x1b[31mgood\\x07.\n", "Second."]
        desk.let_in()

    connect(start(script).config(), prompter=person).close()


def test_no_banner_where_the_log_level_says_so(start: Start) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        desk.send(53, "Welcome", "en")
        desk.let_in()

    host = start(script)
    assert log_in(host, [], "LogLevel ERROR").told == []
    assert log_in(host, []).told == ["Welcome"]
