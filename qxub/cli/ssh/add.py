"""`qxub ssh add`: a host for ssh_config, shown before it is written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qxub.cli.answer import CommandWithHelp, write_answer
from qxub.cli.boundary import tell
from qxub.cli.console import set_up_logging
from qxub.cli.ssh.common import print_origins
from qxub.errors import ConfigError, UsageError
from qxub.job import OutcomeKind
from qxub.remote.translation import translated
from qxub.system.edited_file import FileBusyError, read_content, replace_content
from qxub.system.private_files import make_private_directory
from qxub.transport.ssh_config import NewHost, plan_addition, this_machine
from qxub.transport.ssh_config.settings import DEFAULT

if TYPE_CHECKING:
    from qxub.transport.ssh_config import Addition

_SHOWN = ("hostname", "user", "port", "identityfile", "proxyjump", "proxycommand")


@click.command("add", cls=CommandWithHelp)
@click.option("--hostname", metavar="NAME", required=True, help="The host's real name or address.")
@click.option("--user", metavar="USER", help="Who logs in there.")
@click.option("--port", metavar="PORT", type=click.IntRange(1, 65535), help="By default 22.")
@click.option("--identity-file", metavar="FILE", help="The private key that logs in.")
@click.option("--proxy-jump", metavar="JUMP", help="Go by way of JUMP: [user@]host[:port],…")
@click.option("-F", "config_file", metavar="FILE", help="Write to FILE, not to ~/.ssh/config.")
@click.option("--yes", "-y", is_flag=True, help="Write without asking.")
@click.option("--dry", is_flag=True, help="Only show what would be written.")
@click.argument("alias")
def command(
    alias: str,
    *,
    hostname: str,
    user: str | None,
    port: int | None,
    identity_file: str | None,
    proxy_jump: str | None,
    config_file: str | None,
    yes: bool,
    dry: bool,
) -> int:
    """Add a host to ssh_config under the name ALIAS.

    What is in the file stays as it is, byte for byte. The host is shown as it will be found, and
    you are asked, before anything is written; the file as it was is kept beside it.

    \b
    qxub ssh add gadi --hostname gadi.nci.org.au --user ab1234
    """
    set_up_logging(0, quiet=False)
    if config_file is not None and config_file.lower() == "none":
        raise UsageError("-F none names no file to write to")
    key = None if identity_file is None else _from_anywhere(identity_file)
    try:
        host = NewHost(alias, hostname, user, port, key, proxy_jump)
    except ValueError as error:
        raise UsageError(str(error)) from error
    machine = this_machine()
    file = Path(os.path.realpath(config_file or Path(machine.home, ".ssh", "config")))
    before = _read(file)
    with translated():
        try:
            addition = plan_addition(host, before, config_file=config_file, machine=machine)
        except ValueError as error:
            raise UsageError(str(error)) from error
    _show(addition)
    if dry:
        return 0
    if not yes and not _is_confirmed():
        tell("nothing was written")
        return OutcomeKind.CANCELLED.exit_status or 1
    if before is None and config_file is None:
        _make_directory(file.parent)
    _write(file, before, addition.insertion.content)
    return 0


def _from_anywhere(path: str) -> str:
    """Write a relative path so that it does not depend on where ssh is started."""
    if not path or path.lower() == "none" or path[0] in "~%$-#" or Path(path).is_absolute():
        return path
    return str(Path(str(Path.cwd()).replace("%", "%%"), path))


def _read(file: Path) -> bytes | None:
    try:
        return read_content(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot read it: {error.strerror or error}") from error


def _show(addition: Addition) -> None:
    insertion = addition.insertion
    place = "at the end"
    if insertion.before:
        place = f"before line {insertion.before_line}, {insertion.before}"
    write_answer(f"{addition.path}, {place}:\n")
    lines = insertion.content.decode("utf-8", "surrogateescape").split("\n")
    for number in insertion.lines:
        write_answer(f"    {lines[number - 1].rstrip()}")
    write_answer("\nWith it, the host resolves to:\n")
    has_key = addition.found.settings["identityfile"].origins[0] != DEFAULT
    print_origins(addition.found, [n for n in _SHOWN if has_key or n != "identityfile"])
    for warning in addition.warnings:
        tell(warning)


def _is_confirmed() -> bool:
    """Ask. Raises UsageError where nobody is there to be asked."""
    if not sys.stdin.isatty():
        message = "there is no terminal to ask at, so nothing was written"
        raise UsageError(message, hint="Give --yes to write without being asked.")
    try:
        return click.confirm("\nWrite it?", err=True)
    except click.Abort:  # Ctrl-C, or the end of input: on Windows NUL passes for a terminal
        click.echo(err=True)
        return False


def _make_directory(directory: Path) -> None:
    try:
        if not directory.exists():
            make_private_directory(directory)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot make it: {error.strerror or error}") from error


def _write(file: Path, before: bytes | None, after: bytes) -> None:
    try:
        backup = replace_content(file, before, after)
    except FileBusyError as error:
        raise ConfigError(f"{error}; nothing was written", hint="Look, and try again.") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot write it: {error.strerror or error}") from error
    write_answer(f"\nwritten: {file}")
    if backup is not None:
        write_answer(f"as it was: {backup}")
