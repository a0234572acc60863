"""What a hostile or broken server or key file does to a login: each is refused, none hangs.

Each case has the words of its refusal; agents are in test_hostile_agents.py. What hangs is ended by
the time limit of a test.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from qxub.transport import TransportError, connect, generate_key_pair
from qxub.transport.userauth import BANNER_CHARACTERS
from tests.fakes.login_server import ALL, login_server
from tests.fakes.prompter import Answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.login_server import Desk, Script
    from tests.fakes.ssh_host import FakeHost

HUGE = 2**32 - 1


@dataclass(frozen=True)
class Case:
    """A server's script, the words of the refusal, and how often the person may be asked."""

    name: str
    script: Script
    words: str
    asked: int = 0
    lines: tuple[str, ...] = field(default=())


def partial_for_ever(desk: Desk) -> None:
    desk.request("none")
    desk.refuse()
    while True:
        if desk.request().method == "keyboard-interactive":
            desk.send(60, "", "", "", 0)
            desk.read(61)
        desk.refuse(partial=True)


def partial_after_none(desk: Desk) -> None:
    while True:
        desk.request()
        desk.refuse("publickey,none", partial=True)


def many_prompts_at_once(desk: Desk) -> None:
    code(desk)
    flat: list[str | bool] = ["Again: ", False]
    desk.send(60, "", "", "", 10_000, *flat * 10_000)


def claims_many_prompts(desk: Desk) -> None:
    code(desk)
    desk.send(60, "", "", "", HUGE, "One: ", False)


def prompts_for_ever(desk: Desk) -> None:
    code(desk)
    while True:
        desk.ask(*[("Again: ", False)] * 8)


def rounds_for_ever(desk: Desk) -> None:
    code(desk)
    while True:
        desk.ask()


def code(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("keyboard-interactive")
    desk.request("keyboard-interactive")


def disconnects_while_asking(desk: Desk) -> None:
    code(desk)
    desk.ask(("Code: ", False))
    desk.transport.close()


def says_goodbye_while_asking(desk: Desk) -> None:
    code(desk)
    desk.ask(("Code: ", False))
    desk.send(1, 14, "Account \x1b[2Jlocked", "en")
    desk.transport.join(30)


def truncated_question(desk: Desk) -> None:
    code(desk)
    desk.send(60, "", "")
    desk.read(61)
    desk.refuse("")


def garbage_in_question(desk: Desk) -> None:
    code(desk)
    desk.send(60, HUGE, HUGE)
    desk.read(61)
    desk.refuse("")


def pk_ok_for_another_key(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("publickey")
    desk.request("publickey")
    desk.send(60, "ssh-ed25519", b"another key")
    desk.transport.join(30)


def pk_ok_for_nothing(desk: Desk) -> None:
    desk.request("none")
    desk.send(60, "ssh-ed25519", b"a key")
    desk.transport.join(30)


def accepts_service_for_ever(desk: Desk) -> None:
    for _ in range(3):
        desk.send(6, "ssh-userauth")
    desk.transport.join(30)


def stalls(desk: Desk) -> None:
    desk.request("none")
    desk.transport.join(30)


def stalls_after_key(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("publickey")
    desk.request("publickey")
    desk.transport.join(30)


def banners_and_nothing_else(desk: Desk) -> None:
    desk.request("none")
    while desk.transport.is_active():
        desk.send(53, "Please wait.", "en")
        time.sleep(0.01)


def flood_of_failures(desk: Desk) -> None:
    desk.request("none")
    for _ in range(10_000):
        desk.refuse("")


def methods_without_end(desk: Desk) -> None:
    desk.request("none")
    desk.refuse("\x1b[31m," * 30_000)


QUICK = ("ConnectTimeout 1",)
CASES = [
    Case("partial success for ever", partial_for_ever, "accepted 8 steps", 16),
    Case("partial success of none for ever", partial_after_none, "it would still accept"),
    Case("10,000 prompts at once", many_prompts_at_once, "asks 10000 questions at once"),
    Case("four billion prompts claimed", claims_many_prompts, "asks 4294967295 questions"),
    Case("prompts for ever", prompts_for_ever, "has asked 100 questions", 100),
    Case("rounds for ever", rounds_for_ever, "has asked in 50 rounds"),
    Case("line cut while asking", disconnects_while_asking, "the login broke off", 1),
    Case("goodbye while asking", says_goodbye_while_asking, r"Account \x1b[2Jlocked", 1),
    Case("question cut short", truncated_question, "keyboard-interactive: refused"),
    Case("question of garbage", garbage_in_question, "keyboard-interactive: refused"),
    Case("key accepted that was not offered", pk_ok_for_another_key, "belongs to no request"),
    Case("key accepted for no request", pk_ok_for_nothing, "belongs to no request"),
    Case("service accepted again and again", accepts_service_for_ever, "login service again"),
    Case("stall after none", stalls, "did not answer in time", lines=QUICK),
    Case("stall after a key", stalls_after_key, "did not answer in time", lines=QUICK),
    Case("banners for ever", banners_and_nothing_else, "did not answer in time", lines=QUICK),
    Case("flood of failures", flood_of_failures, "target: "),
    Case("methods without end", methods_without_end, r"would still accept: \x1b[31m"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_server(tmp_path: Path, case: Case) -> None:
    person = Answers(["x"] * 1000)
    with login_server(tmp_path / "server", case.script) as host:
        generate_key_pair(tmp_path / "server" / "key")
        with pytest.raises(TransportError) as caught:
            connect(host.config(*case.lines), prompter=person)
    assert case.words in str(caught.value)
    assert len(person.asked) <= case.asked
    assert len(str(caught.value)) < 10_000
    assert str(caught.value).replace("\n", "").isprintable()


def test_flood_while_a_person_thinks(tmp_path: Path) -> None:
    """What a server sends unasked is not hoarded: the line is given up."""
    flooded = threading.Event()

    def script(desk: Desk) -> None:
        code(desk)
        desk.send(60, "", "", "", 1, "Code: ", True)
        try:
            while True:
                desk.send(53, "x", "en")
                time.sleep(0.001)
        finally:  # the client hangs up
            flooded.set()

    class Thinks(Answers):
        def ask(self, text: str, *, echo: bool) -> str | None:
            flooded.wait(30)
            return super().ask(text, echo=echo)

    expected = pytest.raises(TransportError, match="floods the login with messages")
    with login_server(tmp_path / "server", script) as host, expected:
        connect(host.config("PubkeyAuthentication no"), prompter=Thinks(["1"]))


def test_megabyte_of_banner_is_cut(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        desk.request("none")
        for _ in range(5):
            desk.send(53, "x" * 200_000, "en")  # about as much as a packet may carry
        desk.let_in()

    person = Answers()
    with login_server(tmp_path / "server", script) as host:
        connect(host.config(), prompter=person).close()
    [shown] = person.told
    assert len(shown) < BANNER_CHARACTERS + 100
    assert shown.endswith("\n[183616 more characters not shown]")


def test_control_characters_are_made_visible(tmp_path: Path) -> None:
    def script(desk: Desk) -> None:
        code(desk)
        desk.ask(("\x1b]0;own\x07\b\u202eCode: ", True), name="\x1b[2J", instruction="a\x00\nb")
        desk.let_in()

    person = Answers(["1"])
    with login_server(tmp_path / "server", script) as host:
        connect(host.config("PubkeyAuthentication no"), prompter=person).close()
    assert person.asked == [("(fake@127.0.0.1) \\x1b]0;own\\x07\\x08\\u202eCode: ", True)]
    assert person.told == ["\\x1b[2J", "a\\x00\nb"]


def test_server_that_accepts_none(tmp_path: Path) -> None:
    """As in ssh, we are in: nothing is asked, and no key is shown."""

    def script(desk: Desk) -> None:
        desk.request("none")
        desk.let_in()

    person = Answers(["secret"])
    with login_server(tmp_path / "server", script) as host:
        connect(host.config(), prompter=person).close()
    assert (person.asked, person.told) == ([], [])


@pytest.mark.parametrize("mark", ["", "before"])
def test_success_out_of_turn_asks_for_no_more(tmp_path: Path, mark: str) -> None:
    def script(desk: Desk) -> None:
        code(desk)
        if mark:
            desk.send(60, "", "", "", 1, "Code: ", True)
        desk.let_in()
        desk.send(60, "", "", "", 1, "Your passphrase: ", False)
        desk.refuse(ALL)

    person = Answers(["1"] * 9)
    with login_server(tmp_path / "server", script) as host:
        connect(host.config("PubkeyAuthentication no"), prompter=person).close()
    assert not any("passphrase" in text for text, _ in person.asked)


def write(file: Path, data: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(data)


def truncated(file: Path) -> None:
    generate_key_pair(file)
    file.write_bytes(file.read_bytes()[:150])


FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("garbage", lambda file: write(file, os.urandom(2000)), "is not a private key"),
    ("empty", lambda file: write(file, b""), "is not a private key"),
    ("directory", lambda file: file.mkdir(), "cannot be read"),
    ("too large", lambda file: write(file, b"x" * 2_000_000), "too large"),
    ("cut off", truncated, "is not a private key"),
    (
        "text",
        lambda file: write(file, b"-----BEGIN RSA PRIVATE KEY-----\n" * 99),
        "is not a private",
    ),
    (
        "not base64",
        lambda file: write(
            file, b"-----BEGIN OPENSSH PRIVATE KEY-----\n\xff\n-----END OPENSSH PRIVATE KEY-----\n"
        ),
        "is not a private key",
    ),
]


@pytest.mark.parametrize(
    ("make", "words"), [(m, w) for _, m, w in FILES], ids=[n for n, _, _ in FILES]
)
def test_what_is_no_key_file_is_skipped(
    fake: FakeHost, tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(tmp_path / "key")
    files = (tmp_path / "key", fake.client_key)
    connect(dataclasses.replace(fake.config(), identity_files=files)).close()
    with pytest.raises(TransportError) as caught:
        connect(dataclasses.replace(fake.config(), identity_files=files[:1]))
    assert words in str(caught.value)
