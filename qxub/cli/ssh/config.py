"""`qxub ssh config`: what will be used to reach a host, and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qxub.cli.answer import CommandWithHelp, write_answer
from qxub.cli.boundary import tell
from qxub.cli.console import set_up_logging
from qxub.cli.ssh.common import (
    config_file_option,
    json_option,
    keyword_option,
    print_json,
    print_origins,
)
from qxub.remote.translation import translated
from qxub.transport.ssh_config import look_up, this_machine, with_jump_hosts
from qxub.transport.ssh_config.lines import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qxub.transport.ssh_config import LookUp


@click.command("config", cls=CommandWithHelp)
@config_file_option
@keyword_option
@click.option("-l", "user", metavar="USER", help="Log in as USER.")
@click.option("-p", "port", metavar="PORT", help="Connect to PORT.")
@click.option("-J", "jump", metavar="JUMP", help="Go by way of JUMP: [user@]host[:port],…")
@click.option("--origin", is_flag=True, help="Show before each line which file and line set it.")
@json_option
@click.argument("host")
def command(
    host: str,
    *,
    config_file: str | None,
    options: tuple[str, ...],
    user: str | None,
    port: str | None,
    jump: str | None,
    origin: bool,
    as_json: bool,
) -> int:
    """Show what will be used to reach HOST, in the shape of ssh -G.

    HOST is an alias or a name, also as user@host or ssh://user@host:port. What this client does not
    do of what is asked for is told on stderr.

    \b
    qxub ssh config gadi --origin
    qxub ssh config gadi --origin | grep -v ^default
    """
    set_up_logging(0, quiet=False)
    machine = this_machine()
    given = [*options, *_as_options(user, port, jump)]
    with translated():
        found = look_up(host, options=given, config_file=config_file, machine=machine)
        warnings = with_jump_hosts(found, config_file, machine).warnings
    if as_json:
        print_json(_for_programs(found, warnings))
    elif origin:
        print_origins(found, list(found.settings))
    else:
        for name, text in found.lines():
            write_answer(f"{name} {text}")
    for warning in warnings:
        tell(warning)
    return 0


def _as_options(user: str | None, port: str | None, jump: str | None) -> list[str]:
    """Write -l, -p and -J as -o takes them."""
    texts = {
        "User": None if user is None else quoted(user),
        "Port": None if port is None else quoted(port),
        "ProxyJump": jump,  # which no quotes may stand around
    }
    return [f"{name}={text}" for name, text in texts.items() if text is not None]


def _for_programs(found: LookUp, warnings: Sequence[str]) -> object:
    settings = {
        name: [
            {"value": text, "origin": origin}
            for text, origin in zip(setting.texts, setting.origins)
        ]
        for name, setting in found.settings.items()
    }
    return {"host": found.alias, "settings": settings, "warnings": list(warnings)}
