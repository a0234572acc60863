"""`qxub ssh`: the commands below it."""

from __future__ import annotations

import click

from qxub.cli.lazy import LazyGroup

_COMMANDS = {
    "config": ("qxub.cli.ssh.config", "Show what will be used to reach a host, as ssh -G does."),
    "hosts": ("qxub.cli.ssh.hosts", "List the hosts that ssh_config names."),
    "run": ("qxub.cli.ssh.run", "Run a command on a host, or a login shell."),
    "trust": ("qxub.cli.ssh.trust", "Show a host's keys, and add them to known_hosts."),
    "add": ("qxub.cli.ssh.add", "Add a host to ssh_config."),
}


@click.command(
    "ssh", cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
def command() -> None:
    """Run commands on hosts; show what ssh_config says of them, add some, and trust their keys.

    The files are OpenSSH's: ~/.ssh/config (on Windows %USERPROFILE%\\.ssh\\config), then the
    system's. They mean what they mean to ssh, which need not be installed.
    """
