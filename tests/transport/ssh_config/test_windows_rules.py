"""What ssh_config means on Windows, on any machine: the files, the paths and the users there."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING

import pytest

from qxub.transport.errors import HostConfigError
from qxub.transport.ssh_config import resolve

from .in_memory import machine_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qxub.transport.ssh_config import HostConfig

HOME = r"C:\Users\ann"
USERS = r"C:\Users\ann\.ssh\config"
SYSTEMS = r"C:\ProgramData\ssh\ssh_config"
BOM = b"\xef\xbb\xbf"


def resolved(files: dict[str, bytes], *, is_windows: bool = True) -> HostConfig:
    """Resolve the host h on a machine that has these files."""
    return resolve("h", machine=machine_with(files, home=HOME, is_windows=is_windows))


def same_paths(paths: Iterable[object]) -> list[str]:
    """Spell paths in one way: of two slashes that mean the same, with "\\"."""
    return [ntpath.normpath(str(path)) for path in paths]


def test_users_file_then_systems() -> None:
    host = resolved({USERS: b"User ann2\r\n", SYSTEMS: b"User other\r\nPort 2222\r\n"})
    assert (host.user, host.port) == ("ann2", 2222)


def test_neither_file_is_needed() -> None:
    host = resolved({})
    assert (host.hostname, host.user, host.port) == ("h", "ann", 22)
    assert same_paths(host.user_known_hosts_files)[0] == rf"{HOME}\.ssh\known_hosts"
    assert same_paths(host.global_known_hosts_files)[0] == r"C:\ProgramData\ssh\ssh_known_hosts"


@pytest.mark.parametrize("first", [b"Host h", b"# Notepad", b"", b"  User ann2"])
def test_a_bom_is_skipped(first: bytes) -> None:
    text = BOM + first + b"\r\n  Port 2222\r\n"
    assert resolved({USERS: text}).port == 2222


def test_a_bom_in_an_included_file_is_skipped() -> None:
    files = {USERS: b"Include more\r\n", rf"{HOME}\.ssh\more": BOM + b"Port 2222\r\n"}
    assert resolved(files).port == 2222


def test_a_bom_later_in_a_file_is_none() -> None:
    with pytest.raises(HostConfigError) as raised:
        resolved({USERS: b"Port 22\r\n" + BOM + b"Port 2222\r\n"})
    assert len(raised.value.problems) == 1
    assert ":2: " in raised.value.problems[0]


@pytest.mark.parametrize(
    "name",
    [
        r"conf.d\more.conf",
        r"conf.d\*.conf",
        r"conf.d/more.conf",
        r"C:\Users\ann\.ssh\conf.d\more.conf",
        r"c:/users/ann/.ssh/conf.d/m?re.conf",
        r"~\.ssh\conf.d\more.conf",
        r"~/.ssh/conf.d/more.conf",
        r'"conf.d\more.conf"',
    ],
)
def test_include(name: str) -> None:
    files = {
        USERS: f"Include {name}\r\n".encode(),
        rf"{HOME}\.ssh\conf.d\more.conf": b"Port 2222\n",
    }
    assert resolved(files).port == 2222


def test_include_in_the_systems_file() -> None:
    files = {SYSTEMS: b"Include ssh_config.d\\*.conf\n", rf"{SYSTEMS}.d\a.conf": b"Port 2222\n"}
    assert resolved(files).port == 2222


@pytest.mark.parametrize(
    ("written", "path"),
    [
        (r"~\.ssh\id", r"C:\Users\ann\.ssh\id"),
        ("~/.ssh/id", r"C:\Users\ann\.ssh\id"),
        (r"%d\.ssh\id", r"C:\Users\ann\.ssh\id"),
        (r"C:\keys\id", r"C:\keys\id"),
        (r'"C:\my keys\id"', r"C:\my keys\id"),
        (r"C:\\keys\\id", r"C:\keys\id"),
        (r"\\server\share\id", r"\server\share\id"),  # two backslashes are one, as everywhere
        (r"\\\\server\share\id", r"\\server\share\id"),
        (r"__PROGRAMDATA__\ssh\id", r"C:\ProgramData\ssh\id"),
        ("__PROGRAMDATA__/ssh/id", r"C:\ProgramData\ssh\id"),
        (r"${PROGRAMDATA}\ssh\id", r"C:\ProgramData\ssh\id"),
    ],
)
def test_paths(written: str, path: str) -> None:
    host = resolved({USERS: f"IdentityFile {written}\r\n".encode()})
    assert same_paths(host.identity_files) == [path]


def test_percent_variables_are_none() -> None:
    """As OpenSSH there: %U would be a token, and there is none."""
    with pytest.raises(HostConfigError, match="%U"):
        resolved({USERS: rb"IdentityFile %USERPROFILE%\.ssh\id"})


@pytest.mark.parametrize("written", [r"CORP\ann", r'"CORP\ann"', r"CORP\\ann"])
def test_user_of_a_domain(written: str) -> None:
    assert resolved({USERS: f"User {written}\r\n".encode()}).user == r"CORP\ann"


def test_posix_has_none_of_this() -> None:
    """The same files on a machine that is no Windows, by the same paths."""
    users = f"{HOME}/.ssh/config"
    with pytest.raises(HostConfigError):
        resolved({users: BOM + b"Host h\n"}, is_windows=False)
    included = {users: b"Include a\\b\n", f"{HOME}/.ssh/a/b": b"Port 2222\n"}
    assert resolved(included, is_windows=False).port == 22
    host = resolved({users: b"IdentityFile __PROGRAMDATA__/id\n"}, is_windows=False)
    assert [path.name for path in host.identity_files] == ["id"]
    assert "ProgramData" not in str(host.identity_files[0])
