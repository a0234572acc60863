"""`qxub ssh hosts`: the hosts that ssh_config names, and where they lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qxub.cli.answer import CommandWithHelp
from qxub.cli.boundary import tell
from qxub.cli.console import set_up_logging
from qxub.cli.ssh.common import config_file_option, json_option, print_json, print_table
from qxub.remote.translation import translate, translated
from qxub.transport import TransportError
from qxub.transport.ssh_config import aliases, look_up, this_machine, with_jump_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.transport.ssh_config import Alias, HostConfig, Machine

_HEAD = ("HOST", "HOSTNAME", "USER", "PORT", "JUMP")
_MOST_NAMES = 5
"""how many names a message lists"""


@click.command("hosts", cls=CommandWithHelp)
@config_file_option
@json_option
def command(*, config_file: str | None, as_json: bool) -> int:
    """List the hosts that ssh_config names, in its order, with what they resolve to.

    Patterns are left out; included files are read, also those that count for some hosts only.
    """
    set_up_logging(0, quiet=False)
    machine = this_machine()
    with translated():
        hosts = {
            alias: _resolve(alias, config_file, machine)
            for alias in aliases(config_file=config_file, machine=machine)
        }
    if as_json:
        print_json([_for_programs(alias, host) for alias, host in hosts.items()])
    elif hosts:
        print_table([_HEAD, *(_row(alias, host) for alias, host in hosts.items())])
    else:
        tell("no host is named in ssh_config", hint="`qxub ssh add` adds one.")
    return _tell_failures(hosts)


def _resolve(
    alias: Alias, config_file: str | None, machine: Machine
) -> HostConfig | TransportError:
    try:
        found = look_up(alias.name, config_file=config_file, machine=machine)
        return with_jump_hosts(found, config_file, machine)
    except TransportError as error:
        return error


def _row(alias: Alias, host: HostConfig | TransportError) -> Sequence[str]:
    if isinstance(host, TransportError):
        return (alias.name, "-", "-", "-", "-")
    return (alias.name, host.hostname, host.user, str(host.port), _jump(host) or "-")


def _jump(host: HostConfig) -> str:
    return ",".join(str(hop) for hop in host.jump_hosts)


def _for_programs(alias: Alias, host: HostConfig | TransportError) -> Mapping[str, object]:
    place = {"host": alias.name, "origin": alias.origin}
    if isinstance(host, TransportError):
        return {**place, "error": host.message}
    values = {"hostname": host.hostname, "user": host.user, "port": host.port}
    return {**place, **values, "jump": _jump(host) or None}


def _tell_failures(hosts: Mapping[Alias, HostConfig | TransportError]) -> int:
    """Tell each reason once, in one line, with the names; return the first one's exit status."""
    names: dict[str, list[str]] = {}
    failures = [(a, host) for a, host in hosts.items() if isinstance(host, TransportError)]
    for alias, error in failures:
        first, *others = getattr(error, "problems", ()) or error.message.splitlines()
        reason = f"{first} (and {len(others)} more)" if others else first
        names.setdefault(reason, []).append(alias.name)
    for reason, failed in names.items():
        rest = len(failed) - _MOST_NAMES
        more = f" and {rest} more" if rest > 0 else ""
        tell(f"{', '.join(failed[:_MOST_NAMES])}{more}: {reason}")
    return translate(failures[0][1]).exit_status if failures else 0
