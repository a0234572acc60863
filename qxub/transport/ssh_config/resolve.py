"""From a look-up to a HostConfig: typed, expanded, and with its jump hosts."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.transport.errors import HostConfigError
from qxub.transport.host_config import HostConfig
from qxub.transport.ssh_config.lines import lower
from qxub.transport.ssh_config.look_up import LookUp, look_up
from qxub.transport.ssh_config.machine import Machine, this_machine
from qxub.transport.ssh_config.not_done import warnings_for
from qxub.transport.ssh_config.shown import default_known_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qxub.transport.ssh_config.destination import JumpHost
    from qxub.transport.ssh_config.state import State

log = logging.getLogger(__name__)

_PROXY_TOKENS = ("h", "k", "n", "p", "r")

# Fields of HostConfig that hold the value of the keyword of their name as it is.
_AS_FOUND = (
    *("hostname", "port", "user", "address_family", "batch_mode", "bind_address"),
    *("connect_timeout", "connection_attempts", "hash_known_hosts", "host_key_alias"),
    *("identities_only", "identity_agent", "kbd_interactive_authentication", "log_level"),
    *("no_host_authentication_for_localhost", "number_of_password_prompts"),
    *("password_authentication", "rekey_limit", "remote_command", "request_tty"),
    *("required_rsa_size", "server_alive_count_max", "server_alive_interval"),
    *("stdin_null", "strict_host_key_checking", "tcp_keep_alive"),
)


def resolve(
    destination: str,
    *,
    options: Sequence[str] = (),
    config_file: Path | str | None = None,
    remote_command: str = "",
    machine: Machine | None = None,
) -> HostConfig:
    """Resolve a host and the jump hosts on the way to it. The arguments are those of `look_up`.

    Each jump host is looked up by itself; its own ProxyJump counts only for the first of a list.
    Raises HostConfigError, for a way in a circle too, and ResolveError as `look_up` does.
    """
    file = None if config_file is None else str(config_file)
    machine = machine or this_machine()
    found = look_up(
        destination,
        options=options,
        config_file=file,
        remote_command=remote_command,
        machine=machine,
    )
    config = with_jump_hosts(found, file, machine)
    for warning in config.warnings:
        log.warning("%s", warning)
    return config


def with_jump_hosts(
    found: LookUp, file: str | None, machine: Machine, way: tuple[JumpHost, ...] = ()
) -> HostConfig:
    """Give what was found its types, and with it the last jump host, by way of those before it.

    Raises as `resolve` does. `way` has the jump hosts that were resolved to come here.
    """
    config = host_config(found)
    if not config.jump_hosts:
        return config
    hop = config.jump_hosts[-1]
    if hop in way:
        names = " to ".join(str(step) for step in (*way, hop))
        raise HostConfigError(f"{found.alias}: ProxyJump leads in a circle, from {names}")
    options = [] if hop.user is None else [f'User="{hop.user}"']
    options += [] if hop.port is None else [f"Port={hop.port}"]
    before = found.state.settings.get("proxyjump").before
    options += [f"ProxyJump={before}"] if before else []
    hop_found = look_up(hop.host, options=options, config_file=file, machine=machine)
    jump = with_jump_hosts(hop_found, file, machine, (*way, hop))
    return replace(config, jump=jump, warnings=(*jump.warnings, *config.warnings))


def host_config(found: LookUp) -> HostConfig:
    """Give what was found its types, and expand what only a connection needs expanded.

    `jump` is left out. Raises HostConfigError for what cannot be expanded, with its line.
    """
    state = found.state
    get, part = state.settings.get, state.settings.part
    jumps, revoked = get("proxyjump"), get("revokedhostkeys")
    return HostConfig(
        alias=found.alias,
        **{name: get(name.replace("_", "")) for name in _AS_FOUND},
        identity_files=tuple(_files(state, "identityfile", found)),
        certificate_files=tuple(_files(state, "certificatefile", found)),
        forward_agent=get("forwardagent") and part("forwardagent.path", True),
        proxy_command=_proxy_command(state),
        jump_hosts=jumps.hosts if jumps else (),
        user_known_hosts_files=_known_hosts(get("userknownhostsfile")),
        global_known_hosts_files=_known_hosts(
            get("globalknownhostsfile") or default_known_hosts(state)
        ),
        revoked_host_keys=Path(revoked) if revoked else None,
        compression=get("compression") == "yes",
        rekey_seconds=part("rekeylimit.seconds", 0),
        algorithms={name: _names(get(name)) for name in state.machine.algorithms.defaults},
        fixed_host_key_order=part("hostkeyalgorithms.fixed", False),
        preferred_authentications=_names(get("preferredauthentications") or ""),
        pubkey_authentication=get("pubkeyauthentication") != "false",
        send_env=tuple(value.value for value in state.settings.added("sendenv")),
        set_env=get("setenv") or (),
        origins={name: setting.origins for name, setting in found.settings.items()},
        warnings=tuple(warnings_for(state)),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _files(state: State, name: str, found: LookUp) -> Iterator[Path]:
    """Expand the files of IdentityFile or CertificateFile."""
    setting = found.settings.get(name)
    if setting is None:
        return
    for text, origin in zip(setting.texts, setting.origins):
        if lower(text) != "none" or name == "certificatefile":  # which knows no "none"
            yield Path(state.expanded_path(name, text, origin))


def _known_hosts(names: Sequence[str]) -> tuple[Path, ...]:
    return () if names == ("none",) else tuple(Path(name) for name in names)


def _proxy_command(state: State) -> str | None:
    command = state.settings.get("proxycommand")
    if command is None:
        return None
    tokens = {name: test for name, test in state.tokens().items() if name in _PROXY_TOKENS}
    return state.expanded("proxycommand", command, tokens, variables=False)
