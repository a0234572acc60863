"""The hosts of the contract: OpenSSH and Dropbear, with SFTP and without, and several shells."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from qxub.transport import Check, generate_key_pair, resolve
from tests.real.accounts import throw_away_account
from tests.real.dropbear import running_dropbear
from tests.real.requirements import require
from tests.real.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from qxub.transport import HostConfig

NOISE = rb"""
echo 'Welcome! Quota: 93 %'; printf '\377\001 no newline'; echo 'a word' >&2
trap 'echo bye; echo bye >&2' EXIT
umask 000
"""
"""a .bashrc that says much, before and after, and lets new files be everybody's"""

POSIX_TOOLS = ("cat", "chmod", "dd", "find", "ls", "mv", "printf", "readlink", "rm", "sh", "tail")


HOSTILE = [
    b"two words",
    b" leading and trailing ",
    b"single ' and double \" quotes",
    b"line\nbreak\n",
    b"-rf",
    b"--help",
    b"!history !!",
    b"$HOME `id` $(id) ${x}",
    b"back\\slash\\",
    b"* ? [a-z] {a,b} ~ # ; & | < > ( )",
    b"tab\tand\rreturn\x07\x1b[31m",
    b"%s %d %n",
    "größer 文件".encode(),
    b"no UTF-8: \xff\xfe\x80",
    bytes(range(0x80, 0xA0)),
    b"\x01\x02\x7f",
    b"...",
    b"~",
    b"n" * 255,
]
"""names that a host may have"""


@dataclass(frozen=True)
class Site:
    """A host, and a directory there, which these tests reach without SSH, too.

    `way` is what open_files takes by itself; `hashes` is whether the host has a tool for SHA-256,
    `tells_time` whether it has one for the time of a file.
    """

    host: HostConfig
    home: Path
    way: str
    hashes: bool = True
    tells_time: bool = True

    @property
    def put_check(self) -> Check:
        return Check.SHA256 if self.hashes else Check.READ_BACK

    @property
    def get_check(self) -> Check:
        if self.hashes:
            return Check.SHA256
        return Check.SIZE_AND_TIME if self.tells_time else Check.READ_BACK

    def write(self, path: Path, content: bytes = b"", mode: int = 0o600) -> Path:
        """Make a file of the user's."""
        path.write_bytes(content)
        path.chmod(mode)
        return self.give(path)

    def make_directory(self, path: Path) -> Path:
        """Make a directory of the user's."""
        path.mkdir()
        return self.give(path)

    def give(self, path: Path) -> Path:
        """Make the user the owner."""
        if sys.platform != "win32":
            owner = self.home.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        return path


def is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


@contextlib.contextmanager
def openssh(
    directory: Path, *options: str, login_shell: str = "sh", sftp: str = "", path: str = ""
) -> Iterator[Site]:
    """OpenSSH's sshd, for a user who is not root, with this login shell.

    `sftp` is the command of its SFTP subsystem, `path` the PATH of its sessions. Only root can
    choose the shell; others are logged in as themselves, with the shell that they have.
    """
    program = shutil.which(login_shell)
    if program is None:
        require(login_shell, f"no {login_shell} on PATH")
    if not is_root() and Path(os.environ.get("SHELL", "")).name != login_shell != "sh":
        require("account", f"only root can make one whose login shell is {login_shell}")
    way = "sftp" if sftp else "plain"
    with contextlib.ExitStack() as stack:
        account = stack.enter_context(throw_away_account(program)) if is_root() else None
        home = account.home if account else directory / "home"
        keys = f"AuthorizedKeysFile {home}/.ssh/authorized_keys"
        server = stack.enter_context(
            running_sshd(
                directory,
                *([keys] if account else []),
                *options,
                env={"HOME": str(home), **({"PATH": path} if path else {})},
                user=account.name if account else None,
                sftp=sftp,
            )
        )
        if account:
            account.authorize(server.client_key.with_name("client_key.pub").read_text())
        yield Site(resolve("target", config_file=server.ssh_config), home, way)


@contextlib.contextmanager
def dropbear(directory: Path, *, sftp: bool) -> Iterator[Site]:
    """Dropbear, which as root lets a throw-away account in."""
    way = "sftp" if sftp else "plain"
    with contextlib.ExitStack() as stack:
        account = stack.enter_context(throw_away_account())
        server = stack.enter_context(running_dropbear(directory, account.name, sftp=sftp))
        account.authorize(generate_key_pair(server.client_key))
        yield Site(resolve("target", config_file=server.ssh_config), account.home, way)


@contextlib.contextmanager
def noisy_bash(directory: Path) -> Iterator[Site]:
    with openssh(directory, login_shell="bash") as site:
        site.write(site.home / ".bashrc", NOISE)
        yield site


@contextlib.contextmanager
def posix_tools(directory: Path) -> Iterator[Site]:
    """A host that has the tools of POSIX and no other: no stat(1), nothing for SHA-256."""
    with tempfile.TemporaryDirectory(prefix="qxub-test-tools-") as tools:
        Path(tools).chmod(0o755)
        for name in POSIX_TOOLS:
            program = shutil.which(name)
            if program is None:
                require("openssh", f"no {name} on PATH")
            (Path(tools) / name).symlink_to(program)
        with openssh(directory, path=tools) as site:
            yield dataclasses.replace(site, hashes=False, tells_time=False)


@contextlib.contextmanager
def sftp_alone(directory: Path) -> Iterator[Site]:
    """A host that runs no commands, as those for file transfers alone are set up."""
    with openssh(directory, "ForceCommand internal-sftp -u 0000", sftp="internal-sftp") as site:
        yield dataclasses.replace(site, hashes=False)


SITES: dict[str, Callable[[Path], AbstractContextManager[Site]]] = {
    "sftp": lambda directory: openssh(directory, sftp="internal-sftp -u 0000"),
    "sftp-alone": sftp_alone,
    "sftp-dropbear": lambda directory: dropbear(directory, sftp=True),
    "plain-dropbear": lambda directory: dropbear(directory, sftp=False),
    "plain-posix": posix_tools,
    "plain-noisy-bash": noisy_bash,
}
