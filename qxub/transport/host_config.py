"""What is known about a host before connecting to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_PORT = 22


@dataclass(frozen=True)
class HostConfig:
    """One host, as ssh_config(5) describes it, ready to connect to.

    `connect_timeout` is in seconds, None where ssh_config sets none. `identity_agent` is the
    IdentityAgent value, "none" included, or None where there is none. `proxy_jump` holds the jump
    host, itself resolved, or is empty for a direct connection.
    """

    alias: str
    hostname: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    proxy_jump: tuple[HostConfig, ...] = ()
    user_known_hosts_files: tuple[Path, ...] = ()
    global_known_hosts_files: tuple[Path, ...] = ()
    connect_timeout: float | None = None
    host_key_alias: str | None = None

    @property
    def known_hosts_files(self) -> tuple[Path, ...]:
        """The files in which host keys are looked up, in order."""
        return self.user_known_hosts_files + self.global_known_hosts_files

    @property
    def known_hosts_name(self) -> str:
        """The name under which ssh_known_hosts lists this host (sshd(8), SSH_KNOWN_HOSTS)."""
        if self.host_key_alias is not None:
            return self.host_key_alias.lower()
        name = self.hostname.lower()
        return name if self.port == DEFAULT_PORT else f"[{name}]:{self.port}"
