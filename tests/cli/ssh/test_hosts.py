"""`qxub ssh hosts`: every host that the files name, once, with what it resolves to."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.ssh.conftest import User

CONFIG = """\
# Host commented
Include more
Host gadi *.nci !old* nci
  HostName gadi.nci.org.au
  User ab1234
HOST=setonix
  Include conf.d/*
  ProxyJump me@door:2222,gadi
Match host x
  User y
Host "quoted name" que?tion gadi
"""


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_hosts_in_their_order_with_what_they_resolve_to(user: User) -> None:
    user.write(CONFIG.replace('"quoted name" ', ""))
    user.write("Host first # a comment\n\tPort 2200\nHost x\n", "more")
    (user.home / ".ssh" / "conf.d").mkdir()
    user.write("Host inner\n", "conf.d/b")
    user.write("User of-setonix\n", "conf.d/c")
    head, *said = rows(user.shown("hosts"))
    assert head == ["HOST", "HOSTNAME", "USER", "PORT", "JUMP"]
    assert said[:6] == [
        ["first", "first", "ann", "2200", "-"],
        ["x", "x", "y", "22", "-"],
        ["gadi", "gadi.nci.org.au", "ab1234", "22", "-"],
        ["nci", "gadi.nci.org.au", "ab1234", "22", "-"],
        ["setonix", "setonix", "of-setonix", "22", "me@door:2222,gadi"],
        ["inner", "inner", "ann", "22", "-"],
    ]


def test_json_has_the_places(user: User) -> None:
    file = user.write(CONFIG, "other")
    done = user.ssh("hosts", "--json", "-F", str(file))
    told = json.loads(done.stdout)
    for host in told:
        host["origin"] = host["origin"].replace("\\", "/").removeprefix(f"{file.as_posix()}:")
    assert told[2] == {
        "host": "setonix",
        "origin": "6",
        "hostname": "setonix",
        "user": "ann",
        "port": 22,
        "jump": "me@door:2222,gadi",
    }
    assert [host["host"] for host in told] == ["gadi", "nci", "setonix", "quoted name"]
    assert told[3]["error"] == "the host name 'quoted name' has characters that none has"
    assert told[3]["origin"] == "11"
    assert done.returncode == 78


def test_what_fails_is_listed_with_its_reason(user: User) -> None:
    user.write("Host good\nHost bad\n  HostName %y\nHost round trip\n  ProxyJump trip\n")
    done = user.ssh("hosts")
    assert rows(done.stdout.decode())[1:3] == [
        ["good", "good", "ann", "22", "-"],
        ["bad", *"----"],
    ]
    first, second = done.stderr.decode().splitlines()
    assert "qxub: bad: " in first
    assert ":3: hostname has the unknown token %y" in first
    assert "trip: " in second
    assert done.returncode == 78


def test_a_circle_ends_and_an_invalid_file_is_told_once(user: User) -> None:
    user.write("Include config\nHost a b c d e f g\n")
    said = user.told(78, "hosts")
    assert "qxub: a, b, c, d, e and 2 more: " in said
    assert "Include is nested too deeply, or in a circle" in said
    user.write("Host a\n  Port no\n  User\n")
    (line,) = user.told(78, "hosts").splitlines()
    assert ":2: port takes a port from 1 to 65535, not 'no' (and 1 more)" in line


def test_no_hosts(user: User) -> None:
    user.write("Host *\n")
    done = user.ssh("hosts", "-F", str(user.config))
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"no host is named in ssh_config" in done.stderr
    assert "missing: cannot read it" in user.told(78, "hosts", "-F", "missing")


@pytest.mark.skipif(sys.platform == "win32", reason="mode bits mean nothing there")
def test_a_file_that_others_may_write(user: User) -> None:
    user.write("Host a\n").chmod(0o666)
    assert "can be written by everybody" in user.told(78, "hosts")
