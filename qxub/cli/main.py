"""The entry points, and the one boundary where errors become a message and an exit status."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from qxub import __version__, system
from qxub.cli.answer import write_answer
from qxub.cli.boundary import exit_status_of
from qxub.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "demo": ("qxub.cli.demo", "Run the whole way on this machine, with a throw-away SSH server."),
    "exec": ("qxub.cli.exec", "Run a command as a batch job, here or on a platform."),
    "ssh": (
        "qxub.cli.ssh.group",
        "Run commands on hosts, and look after ssh_config and known_hosts.",
    ),
}


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the version; with it the wire's, so that a laptop knows an older qxub from this."""
    from qxub.remote.wire import VERSION  # noqa: PLC0415 - --help does without

    del param
    if value and not ctx.resilient_parsing:
        write_answer(f"qxub {__version__} (wire {VERSION})", "the version")
        ctx.exit()


@click.command(
    cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def _group() -> None:
    """Run a command on a PBS Pro or Slurm cluster as if it were local.

    \b
    qxub exec --platform gadi --env pytorch --mem 8GB --cpus 4 -- python train.py
    """


def qxub(arguments: Sequence[str] | None = None) -> int:
    """Run `qxub ARGUMENTS` (by default the process's own) and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    system.prepare_text_streams()
    if "QXUB_WIRE" in os.environ:
        from qxub.cli.far_side import serve  # noqa: PLC0415 - the laptop never needs it

        return serve(words)
    with system.coloured_consoles():
        return exit_status_of(_group, words, "qxub")


def qx(arguments: Sequence[str] | None = None) -> int:
    """Run `qx ARGUMENTS`, which is short for `qxub exec ARGUMENTS`."""
    return qxub(["exec", *(sys.argv[1:] if arguments is None else arguments)])
