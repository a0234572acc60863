"""`qxub ssh config`: the shape of ssh -G, and where each value comes from."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.ssh.conftest import User

CONFIG = """\
Host gadi
  HostName gadi.nci.org.au
  User ab1234
  ProxyJump door
  IdentityFile ~/.ssh/id_ed25519
  IdentityFile ~/.ssh/other
"""


def settings(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (line.partition(" ") for line in text.splitlines())]


def test_the_shape_of_ssh_g(user: User) -> None:
    user.write(CONFIG)
    said = settings(user.shown("config", "gadi"))
    assert said[:4] == [
        ("host", "gadi"),
        ("user", "ab1234"),
        ("hostname", "gadi.nci.org.au"),
        ("port", "22"),
    ]
    files = [value for name, value in said if name == "identityfile"]
    assert files == ["~/.ssh/id_ed25519", "~/.ssh/other"]


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh to compare with")
def test_the_lines_are_those_of_ssh(user: User) -> None:
    file = str(user.write(CONFIG))
    words = ["-F", file, "-p", "2222", "-o", "ForwardAgent=yes", "you@gadi"]
    theirs = subprocess.check_output(["ssh", "-G", *words], text=True)
    both = {"host", "user", "hostname", "port", "proxyjump", "identityfile", "forwardagent"}
    ours = [pair for pair in settings(user.shown("config", *words)) if pair[0] in both]
    # OpenSSH before 9.5 prints no line for the alias
    assert sorted(ours) == sorted(
        {pair for pair in settings(theirs) if pair[0] in both} | {("host", "gadi")}
    )


def test_origins_stand_before_the_lines(user: User) -> None:
    file = user.write(CONFIG)
    said = user.shown("config", "-p", "2222", "--origin", "gadi").splitlines()
    places = {line.rpartition("  ")[2]: line.rpartition("  ")[0].rstrip() for line in said}
    assert places["port 2222"] == "command line"
    assert places["hostname gadi.nci.org.au"].replace("\\", "/") == f"{file.as_posix()}:2"
    assert places["addressfamily any"] == "default"
    assert len({line.rindex("  ") for line in said}) == 1  # in columns


def test_json(user: User) -> None:
    file = user.write(CONFIG + "  PKCS11Provider /usr/lib/token.so\n")
    done = user.ssh("config", "--json", "ssh://me@gadi:7")
    told = json.loads(done.stdout)
    assert told["host"] == "gadi"
    assert told["settings"]["user"] == [{"value": "me", "origin": "command line"}]
    assert told["settings"]["port"] == [{"value": "7", "origin": "command line"}]
    files = told["settings"]["identityfile"]
    assert [entry["value"] for entry in files] == ["~/.ssh/id_ed25519", "~/.ssh/other"]
    assert files[1]["origin"].replace("\\", "/") == f"{file.as_posix()}:6"
    (warning,) = told["warnings"]
    assert "pkcs11provider is not supported" in warning
    assert warning in done.stderr.decode()
    assert done.returncode == 0


def test_options_are_those_of_ssh(user: User) -> None:
    said = dict(
        settings(user.shown("config", "-F", "none", "-l", "dom\\ann", "-J", "a@b:3,c", "h"))
    )
    assert (said["user"], said["proxyjump"]) == ("dom\\ann", "a@b:3,c")
    said = dict(settings(user.shown("config", "-F", "none", "-o", "User=first", "-l", "x", "h")))
    assert said["user"] == "first"


def test_all_problems_of_a_file(user: User) -> None:
    user.write("Host other\n  Port 99999\n  Nonsense yes\n")
    said = user.told(78, "config", "gadi").replace("\\", "/")
    file = user.config.as_posix()
    assert f"qxub: {file}:2: port takes a port from 1 to 65535" in said
    assert f"{file}:3: nonsense is no keyword of ssh_config" in said
    assert f"{file}: 2 bad configuration options" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-F", "missing", "h"], "missing: cannot read it"),
        (["-F", "none", "-p", "22 x", "h"], "command line: port takes a port"),
        (["-F", "none", "-l", "", "h"], "command line: user has no value"),
        (["-F", "none", "-l", "a;b", "h"], "the user name 'a;b' has characters that none has"),
        (["-F", "none", "-o", "Nonsense=1", "h"], "command line: nonsense is no keyword"),
        (["-F", "none", "-J", "h", "h"], "command line: proxyjump leads from h to itself"),
        (["-F", "none", "a$b"], "the host name 'a$b' has characters that none has"),
        (["-F", "none", "@h"], "'@h' is not a host: it has no user before the @"),
    ],
)
def test_bad_input(user: User, words: list[str], said: str) -> None:
    assert said in user.told(78, "config", *words)


def test_jump_hosts_are_resolved_too(user: User) -> None:
    user.write("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    assert "ProxyJump leads in a circle" in user.told(78, "config", "a")
