"""What is known about a host before connecting to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qxub.transport.ssh_config.destination import JumpHost

DEFAULT_PORT = 22


@dataclass(frozen=True)
class HostConfig:
    """One host, as ssh_config(5) describes it, ready to connect to.

    Each field is the keyword of its name, expanded. Times are in seconds, `rekey_limit` in bytes;
    None means that nothing was set, or no limit. `identity_agent` may be "none" or "SSH_AUTH_SOCK";
    `forward_agent` is yes or no, or the path of the agent. `algorithms` has the lists by keyword;
    with `fixed_host_key_order` that of the host keys is in an order which the user has given.
    `jump_hosts` are those of ProxyJump as written; `jump` is the last of them, itself resolved, by
    way of those before it. `origins` tells for each keyword where its values come from, `warnings`
    what this client will not do of what was asked for.
    """

    alias: str
    hostname: str
    port: int
    user: str
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    forward_agent: bool | str = False
    proxy_command: str | None = None
    jump_hosts: tuple[JumpHost, ...] = ()
    jump: HostConfig | None = None
    user_known_hosts_files: tuple[Path, ...] = ()
    global_known_hosts_files: tuple[Path, ...] = ()
    revoked_host_keys: Path | None = None
    host_key_alias: str | None = None
    strict_host_key_checking: str = "ask"
    hash_known_hosts: bool = False
    no_host_authentication_for_localhost: bool = False
    connect_timeout: float | None = None
    connection_attempts: int = 1
    address_family: str = "any"
    bind_address: str | None = None
    tcp_keep_alive: bool = True
    server_alive_interval: int = 0
    server_alive_count_max: int = 3
    compression: bool = False
    rekey_limit: int = 0
    rekey_seconds: int = 0
    algorithms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixed_host_key_order: bool = False
    required_rsa_size: int = 1024
    batch_mode: bool = False
    preferred_authentications: tuple[str, ...] = ()
    pubkey_authentication: bool = True
    password_authentication: bool = True
    kbd_interactive_authentication: bool = True
    number_of_password_prompts: int = 3
    request_tty: str = "auto"
    stdin_null: bool = False
    remote_command: str | None = None
    send_env: tuple[str, ...] = ()
    set_env: tuple[str, ...] = ()
    log_level: str = "INFO"
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def is_default(self, keyword: str) -> bool:
        """Whether nobody has said anything of `keyword`, in lower case."""
        return set(self.origins.get(keyword, ())) <= {"default", ""}

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
