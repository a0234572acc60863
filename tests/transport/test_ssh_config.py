"""ssh_config look-ups; the rules are those of ssh_config(5)."""

from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qxub.transport import HostConfigError, resolve
from qxub.transport.patterns import matches_any

if TYPE_CHECKING:
    from qxub.transport import HostConfig


def look_up(directory: Path, text: str, alias: str = "h", **options: Any) -> HostConfig:
    file = directory / "config"
    file.write_text(text, encoding="utf-8")
    return resolve(alias, config_file=file, home=directory, **options)


def test_defaults(tmp_path: Path) -> None:
    host = resolve("h", config_file=_empty(tmp_path), home=tmp_path)
    assert (host.alias, host.hostname, host.port) == ("h", "h", 22)
    assert host.user == getpass.getuser()
    names = ["id_ed25519", "id_ecdsa", "id_rsa"]
    assert host.identity_files == tuple(tmp_path / ".ssh" / name for name in names)
    assert host.user_known_hosts_files[0] == tmp_path / ".ssh" / "known_hosts"
    assert host.connect_timeout is None
    assert host.proxy_jump == ()


def test_users_file_is_read_when_none_is_given(tmp_path: Path) -> None:
    assert resolve("no-such-alias", home=tmp_path).hostname == "no-such-alias"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host h\n  HostName real.example\n")
    assert resolve("h", home=tmp_path).hostname == "real.example"


def test_first_value_wins_and_identities_accumulate(tmp_path: Path) -> None:
    text = (
        "Host h\n Port 1\n IdentityFile /a\nHost *\n Port 2\n IdentityFile /b\n IdentityFile /a\n"
    )
    host = look_up(tmp_path, text)
    assert host.port == 1
    assert host.identity_files == (Path("/a"), Path("/b"))


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("Port 99", 99),
        ("port=99", 99),
        ("PORT = 99", 99),
        ('  Port\t"99"  ', 99),
        ("Port 99 # comment", 99),
        ("# Port 99", 22),
        ("Host other\nPort 99", 22),
        ("Host ?\nPort 99", 99),
        ("Host * !h\nPort 99", 22),
        ("Host !x\nPort 99", 22),
        ("Host H\nPort 99", 22),
        ("Match all\nPort 99", 99),
        ("Match host h\nPort 99", 99),
        ("Match host x,h\nPort 99", 99),
        ("Match !host h\nPort 99", 22),
        ("Match !host x originalhost h\nPort 99", 99),
        ("HostName real\nMatch host real originalhost h\nPort 99", 99),
        ("User u\nMatch user u\nPort 99", 99),
        ("Match localuser nobody-here\nPort 99", 22),
        ('Match exec "true"\nPort 99', 22),
    ],
)
def test_which_lines_apply(tmp_path: Path, line: str, port: int) -> None:
    assert look_up(tmp_path, line + "\n").port == port


def test_unknown_match_criterion_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    look_up(tmp_path, '\nMatch exec "true"\n')
    assert f"{tmp_path / 'config'}:2: Match exec" in caplog.text


def test_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QXUB_TEST_DIR", "/env")
    text = (
        "HostName %h.example\nPort 7\nUser me\n"
        'IdentityFile "~/a b/%n-%h-%p-%r-%u-%%"\nIdentityFile ${QXUB_TEST_DIR}/k\n'
        "UserKnownHostsFile %d/one ~/two\nGlobalKnownHostsFile none\n"
    )
    host = look_up(tmp_path, text)
    assert host.hostname == "h.example"
    name = f"h-h.example-7-me-{getpass.getuser()}-%"
    assert host.identity_files == (tmp_path / "a b" / name, Path("/env/k"))
    assert host.user_known_hosts_files == (tmp_path / "one", tmp_path / "two")
    assert host.global_known_hosts_files == ()


@pytest.mark.parametrize("value", ["60", "1m", "1M", "0m60s", "30s30s"])
def test_connect_timeout(tmp_path: Path, value: str) -> None:
    assert look_up(tmp_path, f"ConnectTimeout {value}\n").connect_timeout == 60


def test_user_given_with_the_alias(tmp_path: Path) -> None:
    assert look_up(tmp_path, "User conf\n", "me@h").user == "me"
    assert look_up(tmp_path, "User conf\n", "h", user="you").user == "you"
    assert look_up(tmp_path, "User conf\n", "h").user == "conf"


def test_include(tmp_path: Path) -> None:
    parts = tmp_path / ".ssh" / "parts"
    parts.mkdir(parents=True)
    (parts / "10").write_text("Host other\n Port 1\nHost h\n HostName ten\n")
    (parts / "20").write_text("HostName twenty\nPort 20\n")
    host = look_up(tmp_path, "Host h\nInclude parts/* missing\nUser last\n")
    assert (host.hostname, host.port, host.user) == ("ten", 20, "last")
    assert look_up(tmp_path, "Host x\nInclude parts/*\n").hostname == "h"


def test_include_in_a_circle(tmp_path: Path) -> None:
    with pytest.raises(HostConfigError, match="config:1: Include is nested too deeply"):
        look_up(tmp_path, f'Include "{tmp_path.as_posix()}/config"\n')


def test_proxy_jump_is_resolved_itself(tmp_path: Path) -> None:
    text = "Host h\n ProxyJump me@b:2200\nHost b\n HostName bastion\n User x\n Port 1\n"
    (hop,) = look_up(tmp_path, text).proxy_jump
    assert (hop.alias, hop.hostname, hop.user, hop.port) == ("b", "bastion", "me", 2200)
    (hop,) = look_up(tmp_path, "Host h\nProxyJump [::1]:2200\n").proxy_jump
    assert (hop.hostname, hop.port) == ("::1", 2200)
    (hop,) = look_up(tmp_path, "ProxyJump b\n").proxy_jump  # for all hosts, b itself left out
    assert hop.proxy_jump == ()
    assert look_up(tmp_path, "ProxyJump none\nProxyCommand x\n").proxy_jump == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Port 0", "config:1: 0 is not a port"),
        ("\n\nPort 65536", "config:3: 65536 is not a port"),
        ("Port", "config:1: keyword Port has no value"),
        ('User "open', "config:1: a quote is not closed"),
        ("IdentitiesOnly maybe", "config:1: expected yes or no"),
        ("ConnectTimeout soon", "config:1: soon is not a time"),
        ("IdentityFile %z", "config:1: %z cannot be expanded"),
        ("IdentityFile ${QXUB_UNSET_VARIABLE}", "config:1: .* cannot be expanded"),
        ("IdentityFile ~other/key", "config:1: another user's home"),
        ("Match host", "config:1: Match host needs a pattern"),
        ("ProxyJump a,b", "config:1: more than one ProxyJump hop"),
        ("ProxyJump a:x", "config:1: x is not a port"),
        ("Host h\nProxyJump a\nHost a\nProxyJump b", "config:4: more than one ProxyJump hop"),
        ("ProxyCommand nc %h", "config:1: ProxyCommand is not supported"),
        ("ProxyCommand nc %h\nProxyJump b", "config:1: ProxyCommand is not supported"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HostConfigError, match=message):
        look_up(tmp_path, text + "\n")


def test_given_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(HostConfigError, match="nothing-here"):
        resolve("h", config_file=tmp_path / "nothing-here")


def test_bytes_that_are_not_utf8_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"# caf\xe9\nUser caf\xe9\nPort 9\n")
    assert resolve("h", config_file=tmp_path / "config").port == 9


def test_patterns_know_only_star_and_question_mark() -> None:
    assert matches_any("node[12]", ["node[12]"])
    assert not matches_any("node1", ["node[12]"])
    assert matches_any("a.b", ["?.*"])


def _empty(directory: Path) -> Path:
    file = directory / "empty"
    file.write_text("")
    return file


def test_a_user_that_nobody_knows_is_told(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "for name in ('LOGNAME', 'USER', 'LNAME', 'USERNAME'): os.environ.pop(name, None)\n"
        "sys.modules['pwd'] = None\n"
        "from qxub.transport import HostConfigError, resolve\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "assert resolve('known', config_file=file).user == 'me'\n"
        "try: resolve('other', config_file=file)\n"
        "except HostConfigError as error: print(error)\n"
    )
    config = tmp_path / "config"
    config.write_text("Host known\n  User me\n  IdentityFile ~/.ssh/id_%h\n")
    said = subprocess.check_output([sys.executable, "-c", code, str(config)], text=True)
    assert said.startswith("cannot tell your user name here")
