"""What logins by password and code need of the machine: an account, and a PAM service. As root.

Both are made for a test and removed after it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator

PAM_SERVICES = Path("/etc/pam.d")
SECONDS_TO_END = 30
USER_IS_BUSY = 8
"""an exit status of userdel(8)"""

_MODULE = "*/security/pam_google_authenticator.so"


@dataclass(frozen=True)
class Account:
    """A user of this machine, with a home directory that has nothing but an empty .ssh."""

    name: str
    password: str
    home: Path

    def authorize(self, line: str) -> None:
        """Let the owner of a public key log in, too."""
        file = self.home / ".ssh" / "authorized_keys"
        with file.open("a") as keys:
            keys.write(line.rstrip() + "\n")
        shutil.chown(file, self.name)
        file.chmod(0o600)


@contextlib.contextmanager
def throw_away_account(shell: str = "/bin/sh") -> Iterator[Account]:
    """Make a user; remove it and all its files in the end."""
    _require_root("account", "useradd", "chpasswd", "userdel")
    home = Path(tempfile.mkdtemp(prefix="qxub-test-home-"))
    name, password = f"qxub{secrets.token_hex(6)}", secrets.token_urlsafe(12)
    subprocess.run(["useradd", "-M", "-d", home, "-s", shell, name], check=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password}".encode(), check=True)
        (home / ".ssh").mkdir(mode=0o700)
        shutil.chown(home, name)
        shutil.chown(home / ".ssh", name)
        yield Account(name, password, home)
    finally:
        _remove(name)
        shutil.rmtree(home)


def _remove(name: str) -> None:
    """Remove a user, as soon as its last process has ended, which a server need not wait for."""
    deadline = time.monotonic() + SECONDS_TO_END
    while True:
        ended = subprocess.run(["userdel", name], check=False)
        if ended.returncode != USER_IS_BUSY or time.monotonic() > deadline:
            return ended.check_returncode()
        time.sleep(0.1)


@contextlib.contextmanager
def pam_service(*lines: str) -> Iterator[str]:
    """Make a PAM service of these lines; give its name."""
    _require_root("pam")
    if not PAM_SERVICES.is_dir():
        require("pam", f"no {PAM_SERVICES}")
    name = f"qxub-test-{secrets.token_hex(6)}"
    file = PAM_SERVICES / name
    file.write_text("".join(f"{line}\n" for line in lines))
    try:
        yield name
    finally:
        file.unlink()


@dataclass(frozen=True)
class Authenticator:
    """A device that shows one-time codes, and the PAM line that asks for them."""

    secret: str
    pam_line: str

    def code(self) -> str:
        """What it shows now."""
        argv = ["oathtool", "--totp", "-b", self.secret]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def authenticator(directory: Path) -> Authenticator:
    """Make one, whose codes count once. Needs libpam-google-authenticator and oathtool."""
    _require_root("pam", "oathtool")
    if not any(file for place in ("/lib", "/usr/lib") for file in Path(place).glob(_MODULE)):
        require("pam", "no pam_google_authenticator.so")
    secret = "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(32))
    file = directory / f"codes-{secrets.token_hex(4)}"
    file.touch(mode=0o600)
    file.write_text(f'{secret}\n" DISALLOW_REUSE\n" TOTP_AUTH\n')
    module = "auth required pam_google_authenticator.so"
    return Authenticator(secret, f"{module} secret={file} user=root")


def _require_root(part: str, *programs: str) -> None:
    if sys.platform == "win32" or os.geteuid() != 0:
        require(part, "only root can make one")
    for program in programs:
        if shutil.which(program) is None:
            require(part, f"no {program} on PATH")
