"""`qxub ssh add`: the file that comes of it, and what keeps it from being written."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.blocked import RUN_QXUB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.ssh.conftest import User

GADI = ("add", "gadi", "--hostname", "gadi.nci.org.au", "--user", "ab1234")
NEWLINE = b"\r\n" if sys.platform == "win32" else b"\n"
BLOCK = b"Host gadi\n  HostName gadi.nci.org.au\n  User ab1234\n"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="only POSIX systems have that")


def backups(user: User) -> list[bytes]:
    return [file.read_bytes() for file in sorted(user.config.parent.glob(".config.backup-*"))]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_from_nothing(user: User) -> None:
    said = user.shown(*GADI, "--port", "2222", "--proxy-jump", "me@door:22", "--yes")
    block = BLOCK + b"  Port 2222\n  ProxyJump me@door:22\n"
    assert user.config.read_bytes() == block.replace(b"\n", NEWLINE)
    assert [*user.config.parent.iterdir()] == [user.config]
    assert f"written: {user.config}" in said
    if sys.platform != "win32":
        assert (mode(user.config), mode(user.config.parent)) == (0o600, 0o700)
    resolved = user.shown("config", "gadi")
    assert "\nhostname gadi.nci.org.au\nport 2222\n" in resolved
    assert "\nproxyjump me@door:22\n" in resolved


@pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh to ask")
def test_ssh_reads_what_is_written(user: User) -> None:
    user.shown(*GADI, "--identity-file", "~/my keys/O'Hara", "--yes")
    words = ["ssh", "-F", str(user.config), "-G", "gadi"]
    told = subprocess.check_output(words, text=True).splitlines()
    for line in ("hostname gadi.nci.org.au", "user ab1234", "identityfile ~/my keys/O'Hara"):
        assert line in told


def test_the_result_is_shown_with_its_places(user: User) -> None:
    user.write("# mine\n\nHost *\n  User other\n  Port 7\n")
    said = user.shown(*GADI, "--dry").replace("\\", "/")
    file = user.config.as_posix()
    assert said.startswith(f"{file}, before line 3, Host *:\n\n    Host gadi\n      HostName gadi")
    places = {
        line.rpartition("  ")[2]: line.rpartition("  ")[0].rstrip() for line in said.split("\n")
    }
    assert places["hostname gadi.nci.org.au"] == f"{file}:4"
    assert places["user ab1234"] == f"{file}:5"
    assert places["port 7"] == f"{file}:9"
    assert user.config.read_bytes() == b"# mine\n\nHost *\n  User other\n  Port 7\n"


def test_bytes_stay_as_they_were(user: User) -> None:
    before = b"# gr\xf6\xdfer \xff\r\nHost a\t\r\n\tUser=b # c\r\n \t \r\n\r\n"
    after = b"Host *\r\n\tCompression yes"
    user.write(before + after)
    user.shown(*GADI, "--yes")
    block = BLOCK.replace(b"\n  ", b"\r\n\t").replace(b"1234\n", b"1234\r\n")
    assert user.config.read_bytes() == before + block + b"\r\n" + after
    assert backups(user) == [before + after]
    user.shown("add", "second", "--hostname", "h", "--yes")
    assert len(backups(user)) == 2


@posix_only
def test_mode_and_links_are_kept(user: User) -> None:
    target = user.home / "dotfiles"
    target.write_bytes(b"Host a\n")
    target.chmod(0o640)
    user.config.parent.mkdir()
    user.config.symlink_to("../dotfiles")
    user.shown(*GADI, "--yes")
    assert user.config.is_symlink()
    assert target.read_bytes() == b"Host a\n\n" + BLOCK
    assert mode(target) == 0o640
    (backup,) = user.home.glob(".dotfiles.backup-*")
    assert mode(backup) == 0o600


def test_another_file(user: User) -> None:
    other = user.home / "other"
    user.shown(*GADI, "-F", str(other), "--yes")
    assert other.read_bytes() == BLOCK.replace(b"\n", NEWLINE)
    assert not user.config.parent.exists()
    assert "-F none names no file" in user.told(2, *GADI, "-F", "none", "--yes")
    assert "cannot write it" in user.told(78, *GADI, "-F", "missing/other", "--yes")


def test_a_relative_key_is_written_so_that_it_is_found_from_anywhere(user: User) -> None:
    user.shown(*GADI, "--identity-file", "my key", "--yes")
    key = user.qxub.directory / "my key"
    assert f'"{key}"' in user.config.read_text()


def test_without_a_terminal_it_needs_yes(user: User) -> None:
    if sys.platform == "win32":  # where stdin of NUL says that it is a terminal
        assert "nothing was written" in user.told(130, *GADI)
    else:
        said = user.told(2, *GADI)
        assert "there is no terminal to ask at, so nothing was written" in said
        assert "--yes" in said
    assert not user.config.parent.exists()


@pytest.mark.parametrize("name", ["config", "conf.d"])
def test_an_alias_that_is_there(user: User, name: str) -> None:
    user.write("Include conf.d\n\nHost *\n  User x\n")
    user.write("# first\nHost other gadi\n", name)
    said = user.told(78, *GADI, "--yes").replace("\\", "/")
    assert f"{(user.home / '.ssh' / name).as_posix()}:2: the host 'gadi' is there already" in said
    assert backups(user) == []


def test_a_line_that_would_win(user: User) -> None:
    user.write("User root\n\nHost *\n")
    said = user.told(78, *GADI, "--yes")
    assert ":1: User is 'root' for 'gadi' there already, and the first value wins" in said
    assert user.config.read_bytes() == b"User root\n\nHost *\n"


def test_an_invalid_file(user: User) -> None:
    user.write("Host a\n  Port no\n  Nonsense\n")
    said = user.told(78, *GADI, "--yes")
    assert ":2: port takes a port" in said
    assert ":3: nonsense has no value" in said
    user.write("Host a\n".encode("utf-16"))
    user.told(78, *GADI, "--yes")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "a b", "--hostname", "h"], "'a b' cannot be the alias: it has a blank"),
        (["add", "a", "--hostname", "h\nUser root"], "it has a line end"),
        (["add", "a", "--hostname", "h", "--user", "-l"], "cannot be the user: it begins with -"),
        (["add", "a", "--hostname", "h", "--port", "0"], "--port"),
        (["add", "a", "--hostname", "%y"], "'a' would not resolve: "),
        (["add", "a", "--hostname", "h", "--proxy-jump", "a"], "leads"),
        (["add", "a", "--hostname", "h", "--identity-file", "${NO_SUCH}"], "NO_SUCH"),
        (["add", "--", "-a", "--hostname", "h"], "--hostname"),
        (["add", "a"], "--hostname"),
    ],
)
def test_bad_input(user: User, words: list[str], said: str) -> None:
    assert said in user.told(2, *words, *([] if "--" in words else ["--yes"]))
    assert not user.config.parent.exists()


def test_a_directory_in_the_files_place(user: User) -> None:
    user.config.mkdir(parents=True)
    assert "cannot read it" in user.told(78, *GADI, "--yes")


@posix_only
def test_a_place_that_cannot_be_made(user: User) -> None:
    user.config.parent.write_bytes(b"")
    assert "config: cannot read it: Not a directory" in user.told(78, *GADI, "--yes")


@posix_only
def test_nothing_of_posix_is_needed(user: User) -> None:
    """Neither its modules, nor any program: as on a Windows machine without OpenSSH."""
    user.qxub.launcher = ["-c", RUN_QXUB]
    user.qxub.environment["PATH"] = ""
    user.write("Host *\n  Compression yes\n")
    user.shown(*GADI, "--yes")
    assert "\nuser ab1234\n" in user.shown("config", "gadi")
    assert "gadi.nci.org.au" in user.shown("hosts")
