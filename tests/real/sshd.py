"""OpenSSH's sshd on a free loopback port, as the current user, with keys and files of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.real.processes import free_port, supervised, wait_until
from tests.real.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.real.accounts import Account

HOST = "127.0.0.1"
PrivateKey = Union[ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]

# sshd takes the first value of a keyword, so the lines a test adds stand above these. An empty home
# keeps the shell's start-up files, which may be slow or talkative, out of tests and benchmarks.
SSHD_CONFIG = """\
Port {port}
ListenAddress {host}
AuthorizedKeysFile "{directory}/authorized_keys"
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 1000
MaxSessions 1000
UseDNS no
PrintMotd no
LogLevel VERBOSE
{subsystem}SetEnv {assignments}
"""

SSH_CONFIG = """\
Host target
    HostName {host}
    Port {port}
    User {user}
    IdentityFile "{client_key}"
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile "{known_hosts}"
    GlobalKnownHostsFile none
"""


@dataclass(frozen=True)
class Sshd:
    """A running sshd and the files with which a client reaches it."""

    port: int
    directory: Path
    user: str
    host: str = HOST

    @property
    def client_key(self) -> Path:
        """The private key that the server accepts; its public half is in the same place + .pub."""
        return self.directory / "client_key"

    @property
    def known_hosts(self) -> Path:
        """The server's host keys, one line for each type."""
        return self.directory / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """A client configuration for `ssh -F`, with the host alias `target`."""
        return self.directory / "ssh_config"

    def log(self) -> str:
        """What sshd has logged so far."""
        return (self.directory / "sshd.log").read_text(encoding="utf-8", errors="replace")


def find_sshd() -> str | None:
    """Give the full path of sshd, which is often not on an ordinary user's PATH."""
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which("sshd", path=os.pathsep.join(places))


@contextlib.contextmanager
def running_sshd(
    directory: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    program_name: str | None = None,
    sftp: str = "internal-sftp",
) -> Iterator[Sshd]:
    """Run sshd in `directory`, with further sshd_config lines (no Match block) before its own.

    Sessions get `env`, and an empty home directory unless `env` names one. Only the first SetEnv
    line counts for sshd, so use `env` and not an option. `user` is whom the client logs in as, by
    default who runs the tests; `program_name` is what sshd is called, which PAM goes by. `sftp` is
    the command of the SFTP subsystem, "" for none.
    Without an sshd on this machine the test is skipped, or fails: see requirements.py.
    """
    program = find_sshd()
    if program is None:
        require("sshd", "no sshd on PATH nor in /usr/sbin or /usr/local/sbin")
    home = directory.resolve() / "home"
    home.mkdir(parents=True, exist_ok=True)
    server = Sshd(free_port(), directory.resolve(), user or getpass.getuser())
    if program_name is not None:
        program = _named(program, directory.resolve() / program_name)
    lines = [*options, *_without_penalties(program)]
    subsystem = f"Subsystem sftp {sftp}\n" if sftp else ""
    _write_files(server, lines, {"HOME": str(home), **(env or {})}, subsystem)
    _make_privilege_separation_directory()
    log = server.directory / "sshd.log"
    argv = [program, "-D", "-e", "-f", str(server.directory / "sshd_config")]
    with supervised(argv, log) as process:
        wait_until(lambda: _answers(server.port), process, log)
        yield server


@contextlib.contextmanager
def sshd_for(account: Account | None, directory: Path, *options: str) -> Iterator[Sshd]:
    """OpenSSH's sshd, for logins as `account`; without one, as who runs the tests."""
    if account is None:
        with running_sshd(directory, *options) as server:
            yield server
        return
    keys = f"AuthorizedKeysFile {account.home}/.ssh/authorized_keys"
    home = {"HOME": str(account.home)}
    with running_sshd(directory, keys, *options, env=home, user=account.name) as server:
        account.authorize(server.client_key.with_name("client_key.pub").read_text())
        yield server


def _write_files(server: Sshd, options: list[str], env: Mapping[str, str], subsystem: str) -> None:
    places = {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "directory": server.directory,
        "client_key": server.client_key,
        "known_hosts": server.known_hosts,
        "subsystem": subsystem,
        "assignments": " ".join(f'"{name}={value}"' for name, value in env.items()),
    }
    host_keys = {server.directory / f"host_{name}": key for name, key in _new_host_keys().items()}
    server.known_hosts.write_text(
        "".join(f"[{HOST}]:{server.port} {write_key(*item)}\n" for item in host_keys.items())
    )
    client = write_key(server.client_key, ed25519.Ed25519PrivateKey.generate())
    (server.directory / "authorized_keys").write_text(client + "\n")
    server.ssh_config.write_text(SSH_CONFIG.format(**places))
    lines = [*options, *(f'HostKey "{path}"' for path in host_keys), SSHD_CONFIG.format(**places)]
    (server.directory / "sshd_config").write_text("\n".join(lines))


def _new_host_keys() -> dict[str, PrivateKey]:
    return {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "ecdsa": ec.generate_private_key(ec.SECP256R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
    }


def write_key(path: Path, key: PrivateKey) -> str:
    """Write `key` in OpenSSH's format to `path` (mode 0600) and its public line to `path`.pub."""
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(text)
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    path.with_name(path.name + ".pub").write_bytes(public + b"\n")
    return public.decode("ascii")


def _without_penalties(program: str) -> list[str]:
    """Turn off the delays after failed logins, where this sshd has them (OpenSSH 9.8 and later)."""
    line = "PerSourcePenalties no"
    probe = [program, "-T", "-f", os.devnull, "-o", line]
    answer = subprocess.run(probe, capture_output=True, check=False)
    return [] if b"Bad configuration option" in answer.stderr else [line]


def _named(program: str, link: Path) -> str:
    link.symlink_to(program)
    return str(link)


def _make_privilege_separation_directory() -> None:
    """Make the directory that sshd insists on when root starts it; a service would have made it."""
    if sys.platform != "win32" and os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def _answers(port: int) -> bool:
    """Tell whether an SSH server's version line comes from the port (RFC 4253 section 4.2)."""
    try:
        with socket.create_connection((HOST, port), timeout=10) as connection:
            return connection.recv(8).startswith(b"SSH-2.0")
    except OSError:
        return False
