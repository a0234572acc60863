"""From a file to a HostConfig, on the machine that this runs on; the rules are ssh_config(5)'s."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from qxub.transport.errors import HostConfigError
from qxub.transport.ssh_config import HostConfig, Machine, look_up, resolve, this_machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """This machine, of a user whose home is empty."""
    return dataclasses.replace(
        this_machine(),
        home=tmp_path.as_posix(),
        user="me",
        system_directory=(tmp_path / "etc").as_posix(),
    )


def look(machine: Machine, text: str, destination: str = "h", **options: Any) -> HostConfig:
    file = Path(machine.home) / "config"
    file.write_text(text, encoding="utf-8")
    return resolve(destination, config_file=file, machine=machine, **options)


def test_defaults(machine: Machine) -> None:
    host = look(machine, "")
    assert (host.alias, host.hostname, host.port, host.user) == ("h", "h", 22, "me")
    assert host.identity_files[0] == Path(machine.home, ".ssh/id_rsa")
    assert host.known_hosts_files[:2] == tuple(
        Path(machine.home, ".ssh", name) for name in ("known_hosts", "known_hosts2")
    )
    assert host.connect_timeout is None
    assert host.jump is None
    assert host.origins["port"] == ("default",)
    assert host.warnings == ()


def test_users_file_then_the_systems(machine: Machine) -> None:
    home, system = Path(machine.home), Path(machine.system_directory)
    (home / ".ssh").mkdir()
    system.mkdir()
    (home / ".ssh" / "config").write_text("Host h\n  User first\n")
    (home / ".ssh" / "config").chmod(0o600)
    (system / "ssh_config").write_text("User second\nPort 7\n")
    host = resolve("h", machine=machine)
    assert (host.user, host.port) == ("first", 7)
    assert host.origins["user"] == (f"{home / '.ssh' / 'config'}:2",)
    assert host.origins["port"] == (f"{system / 'ssh_config'}:2",)
    assert resolve("h", config_file="none", machine=machine).user == "me"


def test_command_line_comes_first(machine: Machine) -> None:
    host = look(machine, "User file\nPort 1\n", "you@h", options=["Port=2"])
    assert (host.user, host.port) == ("you", 2)
    assert host.origins["port"] == ("command line",)
    assert look(machine, "", "ssh://you@h:99").port == 99


def test_each_hop_is_looked_up_by_itself(machine: Machine) -> None:
    text = (
        "Host h\n ProxyJump me@b:2200\n"
        "Host b\n HostName bastion\n User x\n Port 1\n ProxyJump a\nHost a\n User y\n"
    )
    hop = look(machine, text).jump
    assert hop is not None
    assert (hop.alias, hop.hostname, hop.user, hop.port) == ("b", "bastion", "me", 2200)
    assert hop.jump is not None
    assert (hop.jump.alias, hop.jump.user, hop.jump.jump) == ("a", "y", None)


def test_a_list_of_hops_decides_over_their_own(machine: Machine) -> None:
    text = "Host h\n ProxyJump a,b\nHost b\n ProxyJump other\nHost a\n ProxyJump first\n"
    hop = look(machine, text).jump
    names = []
    while hop is not None:
        names.append(hop.alias)
        hop = hop.jump
    assert names == ["b", "a", "first"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Host *\n ProxyJump h\n", "config:2: proxyjump leads from h to itself"),
        ("Host h\n ProxyJump a\nHost a\n ProxyJump h\n", "ProxyJump leads in a circle"),
    ],
)
def test_a_way_in_a_circle_is_refused(machine: Machine, text: str, message: str) -> None:
    with pytest.raises(HostConfigError, match=message):
        look(machine, text)


def test_all_bad_lines_of_a_file_are_told(machine: Machine) -> None:
    with pytest.raises(HostConfigError) as caught:
        look(machine, "Prot 22\nHost x\n Port 65536\n User a b\n\n Compression maybe\n")
    file = Path(machine.home) / "config"
    assert caught.value.problems == (
        f"{file}:1: prot is no keyword of ssh_config",
        f"{file}:3: port takes a port from 1 to 65535, not '65536'",
        f"{file}:4: user has extra arguments at the end of the line",
        f"{file}:6: compression takes yes, no, not 'maybe'",
    )
    assert str(caught.value).endswith(f"{file}: 4 bad configuration options")


def test_what_is_not_done_is_told_where_it_matters(machine: Machine) -> None:
    text = "Host h\n GSSAPIAuthentication yes\n PKCS11Provider /lib/p11.so\n ProxyUseFdpass yes\n"
    assert [warning.split(": ")[1] for warning in look(machine, text).warnings] == [
        "pkcs11provider is not supported"
    ]
    text += " PreferredAuthentications gssapi-with-mic\n ProxyCommand nc %h %p\n"
    assert len(look(machine, text).warnings) == 3


def test_a_user_that_nobody_knows_is_needed_only_sometimes(machine: Machine) -> None:
    nobody = dataclasses.replace(machine, user="")
    assert look(nobody, "Host h\n  User me\n  IdentityFile ~/.ssh/id_%h\n").user == "me"
    with pytest.raises(HostConfigError, match="cannot tell your user name here"):
        look(nobody, "")


def test_a_given_file_must_be_there(machine: Machine) -> None:
    with pytest.raises(HostConfigError, match="nothing-here: cannot read it"):
        resolve("h", config_file=Path(machine.home, "nothing-here"), machine=machine)


def test_a_second_look_up_is_as_the_first(machine: Machine) -> None:
    file = Path(machine.home, "config")
    file.write_text("Host a\n User one\n HostName x\nHost b\n User two\n", encoding="utf-8")
    for name, user in (("a", "one"), ("b", "two"), ("a", "one"), ("c", "me")):
        assert resolve(name, config_file=file, machine=machine).user == user


def test_the_commands_of_match_exec_run_only_where_they_count(machine: Machine) -> None:
    ran: list[str] = []

    def run(command: str) -> int:
        ran.append(command)
        return 0

    running = dataclasses.replace(machine, run_shell=run)
    text = 'Match host other exec "one"\n User x\nMatch host h exec "two %h"\n User y\n'
    assert look(running, text).user == "y"
    assert ran == ["two h"]


def test_origin_of_each_value_that_accumulates(machine: Machine) -> None:
    text = "IdentityFile a\nHost h\n IdentityFile b\n SendEnv LANG LC_*\n"
    file = Path(machine.home) / "config"
    file.write_text(text, encoding="utf-8")
    found = look_up("h", config_file=str(file), machine=machine).settings
    assert found["identityfile"].origins == (f"{file}:1", f"{file}:3")
    assert found["sendenv"].origins == (f"{file}:4", f"{file}:4")
