"""A fake host: the in-process SSH server, and the client files with which one reaches it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Callable

from qxub.transport import generate_key_pair, resolve
from qxub.transport.server import LOOPBACK, Server
from tests.fakes.scenarios import is_known, play

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import paramiko

    from qxub.transport import HostConfig
    from qxub.transport.session import Session

SSH_CONFIG = """\
Host target
    HostName {address}
    Port {port}
    User fake
    IdentityFile "{key}"
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile "{known_hosts}"
    GlobalKnownHostsFile none
"""


class FakeHost:
    """The server, and the directory with ssh_config, known_hosts and client_key."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.known_hosts = directory / "known_hosts"
        self.ssh_config = directory / "ssh_config"
        self.client_key = directory / "client_key"
        self.known_hosts.write_text("\n".join(server.known_hosts_lines) + "\n")
        self.ssh_config.write_text(
            SSH_CONFIG.format(
                address=LOOPBACK,
                port=server.port,
                key=self.client_key,
                known_hosts=self.known_hosts,
            )
        )

    def config(self) -> HostConfig:
        """Resolve the alias `target` from the files as they are now."""
        return resolve("target", config_file=self.ssh_config)


@contextlib.contextmanager
def fake_host(
    directory: Path,
    *,
    handler: Callable[[Session], None] = play,
    host_key_types: Sequence[str] = ("ssh-ed25519",),
    host_keys: Sequence[paramiko.PKey] = (),
) -> Iterator[FakeHost]:
    """Run a fake host with a fresh client key in `directory`.

    With `host_keys` it offers those, and its known_hosts is empty.
    """
    directory.mkdir(parents=True, exist_ok=True)
    public = generate_key_pair(directory / "client_key")
    accepts = is_known if handler is play else lambda _command: True
    with Server(
        handler, authorized_keys=[public], host_key_types=host_key_types, accepts=accepts
    ) as server:
        if host_keys:
            server._host_keys = list(host_keys)
        host = FakeHost(server, directory)
        if host_keys:
            host.known_hosts.write_text("")
        yield host
