"""StrictHostKeyChecking, and what a person is asked about an unknown key."""

from __future__ import annotations

import dataclasses
import logging
import re
import time
from typing import TYPE_CHECKING

import pytest

from qxub.transport import HostConfig, HostKeyUnknown, connect, resolve
from qxub.transport.host_key_check import MOST_QUESTIONS
from qxub.transport.known_hosts import fingerprint, read_known_hosts
from tests.fakes.host_keys import (
    CertificateText,
    certificate,
    certified,
    host_offering,
    new_key,
    plain,
    public_line,
)
from tests.fakes.prompter import Answers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.ssh_host import FakeHost
    from tests.real.sshd import Sshd


@pytest.fixture
def new(host: HostConfig, tmp_path: Path) -> HostConfig:
    """The host of the contract, not known yet: there is no known_hosts file, nor its directory."""
    file = tmp_path / "home" / ".ssh" / "known_hosts"
    return dataclasses.replace(host, user_known_hosts_files=(file,))


def file_of(host: HostConfig) -> Path:
    return host.user_known_hosts_files[0]


def with_checking(host: HostConfig, value: str) -> HostConfig:
    return dataclasses.replace(host, strict_host_key_checking=value)


def print_of(host: HostConfig) -> str:
    """The fingerprint of the key that the host offers first."""
    with pytest.raises(HostKeyUnknown) as caught:
        connect(host)
    found = re.search(r"SHA256:\S{43}", caught.value.message)
    assert found
    return found[0]


@pytest.mark.parametrize("answer", ["yes", "YES", " yes ", "fingerprint"])
def test_a_key_that_a_person_accepts_is_added(new: HostConfig, answer: str) -> None:
    shown = print_of(new)
    person = Answers([shown if answer == "fingerprint" else answer])
    connect(new, prompter=person).close()
    ((text, echo),) = person.asked
    assert echo
    assert f"ED25519 key fingerprint is {shown}." in text
    assert new.known_hosts_name in text
    assert text.endswith("(yes/no/[fingerprint])? ")
    assert str(file_of(new)) in person.told[0]
    (line,) = read_known_hosts([file_of(new)])
    assert (line.hosts, fingerprint(line.blob)) == (new.known_hosts_name, shown)
    nobody = Answers([])
    connect(new, prompter=nobody).close()
    assert not nobody.asked, "the second time is silent"
    assert not nobody.told


@pytest.mark.parametrize("answer", ["no", "No", "", "  "])
def test_a_key_that_a_person_declines_is_refused(new: HostConfig, answer: str) -> None:
    person = Answers([answer, "yes"])
    with pytest.raises(HostKeyUnknown, match="that was not accepted"):
        connect(new, prompter=person)
    assert len(person.asked) == 1
    assert not file_of(new).parent.exists()


def test_other_answers_are_asked_about_again(new: HostConfig) -> None:
    shown = print_of(new)
    person = Answers(["y", "maybe", shown.lower(), shown[:-1], shown])
    connect(new, prompter=person).close()
    texts = [text for text, _ in person.asked]
    assert texts[1:] == ["Please type 'yes', 'no' or the fingerprint: "] * 4


def test_a_program_that_never_says_yes_or_no_comes_to_an_end(new: HostConfig) -> None:
    parrot = Answers(["y"] * 100)
    with pytest.raises(HostKeyUnknown):
        connect(new, prompter=parrot)
    assert len(parrot.asked) == MOST_QUESTIONS


def test_a_slow_person_does_not_fail_the_login(new: HostConfig) -> None:
    class Slow(Answers):
        def ask(self, text: str, *, echo: bool) -> str | None:
            time.sleep(1.5)
            return super().ask(text, echo=echo)

    connect(dataclasses.replace(new, connect_timeout=1.2), prompter=Slow(["yes"])).close()


@pytest.mark.parametrize("settings", [{}, {"batch_mode": True}])
def test_nobody_is_asked_who_is_not_there(new: HostConfig, settings: dict[str, bool]) -> None:
    person = Answers(["yes"] if settings else [])
    with pytest.raises(HostKeyUnknown) as caught:
        connect(dataclasses.replace(new, **settings), prompter=person)  # type: ignore[arg-type]
    assert len(person.asked) == (0 if settings else 1)
    assert "`qxub ssh trust target`" in caught.value.hint
    assert str(file_of(new)) in caught.value.hint
    assert caught.value.hint.splitlines()[-1].startswith(new.known_hosts_name + " ssh-ed25519 ")


@pytest.mark.parametrize("value", ["true", "yes", "nonsense", ""])
def test_yes_asks_nobody(new: HostConfig, value: str) -> None:
    person = Answers(["yes"])
    with pytest.raises(HostKeyUnknown, match="StrictHostKeyChecking yes"):
        connect(with_checking(new, value), prompter=person)
    assert person.asked == []
    assert not file_of(new).exists()


@pytest.mark.parametrize(("value", "name"), [("accept-new", "accept-new"), ("false", "no")])
def test_an_unknown_key_is_added_unseen_if_the_user_wants_that(
    new: HostConfig, value: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    host = with_checking(new, value)
    connect(host).close()
    (record,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert f"StrictHostKeyChecking {name} trusts it unseen" in record.getMessage()
    assert str(file_of(new)) in record.getMessage()
    connect(with_checking(new, "true")).close()


@pytest.mark.parametrize("file", [None, "/dev/null", "directory"])
def test_a_key_that_cannot_be_added_is_trusted_once(
    fake: FakeHost, tmp_path: Path, file: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    from pathlib import Path

    files = () if file is None else (Path(tmp_path if file == "directory" else file),)
    host = dataclasses.replace(fake.config(), user_known_hosts_files=files)
    connect(host, prompter=Answers(["yes"])).close()
    assert ("was not added to" in caplog.text) == (file == "directory")


def test_names_that_would_be_patterns_are_not_written(
    fake: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host = dataclasses.replace(fake.config(), host_key_alias="*.example")
    text = fake.known_hosts.read_text()
    connect(host, prompter=Answers(["yes"])).close()
    assert "is not a name to write" in caplog.text
    assert fake.known_hosts.read_text() == text


@pytest.mark.parametrize("checking", ["true", "ask"])
def test_loopback_is_exempt_if_the_user_wants_that(
    host: HostConfig, sshd: Sshd, checking: str
) -> None:
    settings = {"user_known_hosts_files": (), "no_host_authentication_for_localhost": True}
    exempt = dataclasses.replace(with_checking(host, checking), **settings)  # type: ignore[arg-type]
    connect(exempt).close()
    aliased = dataclasses.replace(exempt, host_key_alias="x")
    with pytest.raises(HostKeyUnknown):
        connect(aliased)
    jump = resolve("target", config_file=sshd.ssh_config)
    with pytest.raises(HostKeyUnknown):  # 127.0.0.1 is another machine from there
        connect(dataclasses.replace(exempt, jump=jump))


def test_a_refused_certificate_is_told_in_the_question(tmp_path: Path) -> None:
    key, authority = new_key(), new_key()
    expired = certificate(CertificateText(valid_before=1), key, authority)
    person = Answers(["yes"])
    with host_offering(tmp_path / "host", certified(key, expired), plain(key)) as host:
        host.known_hosts.write_text(f"@cert-authority * {public_line(authority)}\n")
        connect(host.config(), prompter=person).close()
        assert "certificate was refused: it expired at 1970-01-01" in person.asked[0][0]
        assert host.known_hosts.read_text().endswith(f"{public_line(key)}\n")
        connect(host.config()).close()
