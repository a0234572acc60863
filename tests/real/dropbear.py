"""Dropbear on a free loopback port: an SSH server that shares no code with OpenSSH's. As root."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.real.processes import free_port, supervised, wait_until
from tests.real.requirements import require
from tests.real.sshd import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SSH_CONFIG = """\
Host target
    HostName {host}
    Port {port}
    User {user}
    IdentityFile "{directory}/client_key"
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile "{directory}/known_hosts"
    GlobalKnownHostsFile none
"""


@dataclass(frozen=True)
class Dropbear:
    """A running Dropbear; `ssh_config` has the host alias `target`."""

    directory: Path

    @property
    def ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    @property
    def client_key(self) -> Path:
        """Where the client's key is to be."""
        return self.directory / "client_key"


@contextlib.contextmanager
def running_dropbear(directory: Path, user: str, *, sftp: bool = True) -> Iterator[Dropbear]:
    """Run it in `directory`, for logins as `user`. Where it is missing, see requirements.py.

    Without `sftp`, the sftp-server that it would start is hidden from it, and from it alone.
    """
    program, keygen = shutil.which("dropbear", path=_PATH), shutil.which("dropbearkey")
    if program is None or keygen is None:
        require("dropbear", "no dropbear and dropbearkey on PATH")
    directory.mkdir(parents=True)
    port, host_key = free_port(), directory / "host_key"
    argv = [keygen, "-t", "ed25519", "-f", str(host_key)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    public = next(line for line in said.splitlines() if line.startswith("ssh-ed25519 "))
    (directory / "known_hosts").write_text(f"[{HOST}]:{port} {public}\n")
    (directory / "ssh_config").write_text(
        SSH_CONFIG.format(host=HOST, port=port, user=user, directory=directory)
    )
    log = directory / "dropbear.log"
    argv = [program, "-F", "-E", "-p", f"{HOST}:{port}", "-r", str(host_key)]
    argv = [*(() if sftp else _WITHOUT_SFTP), *argv, "-P", str(directory / "pid")]
    with supervised(argv, log) as process:
        wait_until(lambda: _answers(port), process, log)
        yield Dropbear(directory)


_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin"
_HIDING = """for file in /usr/lib/sftp-server /usr/libexec/sftp-server /usr/lib/openssh/sftp-server
do if [ -e "$file" ]; then mount --bind /dev/null "$file" || exit; fi
done
exec "$@"
"""
_WITHOUT_SFTP = ("unshare", "--mount", "sh", "-c", _HIDING, "sh")
"""in a mount namespace of its own (unshare(1))"""


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=10) as connection:
            return connection.recv(8).startswith(b"SSH-2.0")
    except OSError:
        return False
