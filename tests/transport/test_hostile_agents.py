"""What a hostile or broken agent does to a login: a note in the account, and the next key."""

# ruff: noqa: E402 - the assertion comes first, for mypy

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("the agent's socket is a Unix one", allow_module_level=True)
assert sys.platform != "win32"  # for mypy, which passes over it elsewhere

from qxub.transport import AuthenticationError, TransportError, connect, generate_key_pair
from qxub.transport.agents import client
from tests.fakes.agent_posix import agent_that
from tests.fakes.login_server import login_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.login_server import Desk
    from tests.fakes.ssh_host import FakeHost


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


AGENTS: list[tuple[str, Callable[[bytes], bytes | None], str]] = [
    ("hangs", lambda _: None, "did not answer within 0.3 s"),
    ("claims four gigabytes", lambda _: b"\xff\xff\xff\xff", "an answer of 4294967295 bytes"),
    ("answers nothing", lambda _: b"\0\0\0\0", "an answer of 0 bytes"),
    ("hangs up", lambda _: b"", "closed the connection"),
    ("stops in the middle", lambda _: b"\0\0\0\x09\x0c", "did not answer within 0.3 s"),
    ("sends garbage", lambda _: framed(b"\xfegarbage"), "refused to list its keys"),
    ("claims keys without end", lambda _: framed(b"\x0c\xff\xff\xff\xff"), "4294967295 keys"),
    ("claims a key it has not", lambda _: framed(b"\x0c\0\0\0\1"), "a damaged list of keys"),
    (
        "lies about a length",
        lambda _: framed(b"\x0c\0\0\0\1\xff\xff\xff\xf0"),
        "a damaged list of keys",
    ),
]


@pytest.mark.parametrize(
    ("answer", "words"), [(a, w) for _, a, w in AGENTS], ids=[n for n, _, _ in AGENTS]
)
def test_hostile_agent_is_only_a_note(
    fake: FakeHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[bytes], bytes | None],
    words: str,
) -> None:
    monkeypatch.setattr(client, "LIST_SECONDS", 0.3)
    with agent_that(answer, tmp_path / "agent") as agent:
        host = dataclasses.replace(fake.config(), identity_agent=str(agent))
        connect(host).close()  # by the key file
        with pytest.raises(TransportError) as caught:
            connect(dataclasses.replace(host, identity_files=()))
    assert words in str(caught.value)


def lists_a_key_and(sign: bytes | None) -> Callable[[bytes], bytes | None]:
    def answer(request: bytes) -> bytes | None:
        if request[4] != 11:
            return sign
        blob = framed(b"ssh-ed25519") + framed(b"k" * 32)
        return framed(b"\x0c\0\0\0\1" + framed(blob) + framed(b"evil\x1b[2J"))

    return answer


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (framed(b"\x05"), "it refused to sign"),
        (framed(b"\x0e\xff\xff\xff\xff"), "it gave a damaged signature"),
        (framed(b"\x63"), "answered with message 99"),
        (None, "it did not answer within 0.3 s"),
        (framed(b"\x0e" + framed(framed(b"ssh-ed25519") + framed(b"s" * 64))), "refused"),
    ],
    ids=["refuses", "garbage", "other message", "hangs", "wrong signature"],
)
def test_agent_that_does_not_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: bytes | None, words: str
) -> None:
    monkeypatch.setattr(client, "SIGN_SECONDS", 0.3)

    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("publickey")
        while True:
            fields = desk.request("publickey").fields
            if fields.get_boolean():  # signed: by the agent's key, or by the file
                desk.refuse("publickey")
            else:
                desk.send(60, fields.get_binary(), fields.get_binary())

    agent = agent_that(lists_a_key_and(sign), tmp_path / "agent")
    with agent as socket, login_server(tmp_path / "server", script) as server:
        generate_key_pair(tmp_path / "server" / "key")
        host = server.config("IdentitiesOnly no", f'IdentityAgent "{socket}"')
        with pytest.raises(AuthenticationError) as caught:
            connect(host)
    first, second = caught.value.attempts
    assert first.key == r"agent key 'evil\x1b[2J'"
    assert words in first.answer
    assert (second.key, second.answer) == (str(tmp_path / "server" / "key"), "refused")


def test_server_that_accepts_another_key_than_was_offered(tmp_path: Path) -> None:
    """Nothing is signed for it."""

    def answer(request: bytes) -> bytes | None:
        assert request[4] == 11, "a signature was asked for"
        return lists_a_key_and(None)(request)

    def script(desk: Desk) -> None:
        desk.request("none")
        desk.refuse("publickey")
        desk.request("publickey")
        desk.send(60, "ssh-ed25519", b"another key")
        desk.transport.join(30)

    agent = agent_that(answer, tmp_path / "agent")
    with agent as socket, login_server(tmp_path / "server", script) as server:
        host = server.config("IdentitiesOnly no", f'IdentityAgent "{socket}"')
        with pytest.raises(AuthenticationError, match="accepts a key that was not offered"):
            connect(host)
