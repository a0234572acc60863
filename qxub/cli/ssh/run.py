"""`qxub ssh run`: a command over there, or the login shell, as if it were here."""

from __future__ import annotations

import click

from qxub.cli.answer import CommandWithHelp
from qxub.cli.console import set_up_logging
from qxub.cli.options import KindType
from qxub.cli.ssh.common import config_file_option, keyword_option
from qxub.errors import UsageError
from qxub.option import WALLTIME
from qxub.remote.translation import translated
from qxub.transport import resolve

_REQUESTS = (None, "yes", "force")
"""what so many -t ask for, in the words of RequestTTY"""


class _OptionsAroundHost(CommandWithHelp):
    """Takes options before HOST and right after it, as ssh does; what follows is the command's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move the options before HOST, where click looks for them."""
        before, rest = self._split(ctx, args)
        after, command = self._split(ctx, rest[1:])
        return super().parse_args(ctx, [*before, *after, "--", *rest[:1], *command])

    def _split(self, ctx: click.Context, words: list[str]) -> tuple[list[str], list[str]]:
        """Tell the options, without a "--" that ends them, from the words behind them."""
        own = [parameter for parameter in self.params if isinstance(parameter, click.Option)]
        parser = click.Command(None, params=[*own]).make_parser(ctx)
        _, rest, _ = parser.parse_args(list(words))
        options = words[: len(words) - len(rest)]
        return options[:-1] if options[-1:] == ["--"] else options, rest


@click.command(
    "run",
    cls=_OptionsAroundHost,
    context_settings={"allow_interspersed_args": False},
)
@click.option("-t", "ttys", count=True, help="Ask for a terminal; -tt: even if there is none here.")
@click.option("-T", "no_tty", is_flag=True, help="Ask for no terminal.")
@click.option("-n", "no_stdin", is_flag=True, help="Let the command find its stdin empty.")
@click.option(
    "--timeout",
    metavar="TIME",
    type=KindType(WALLTIME),
    help="End the command after TIME (2h, 30m, 45s): TERM is sent, KILL 10 s later.",
)
@config_file_option
@keyword_option
@click.argument("host")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
def command(
    host: str,
    *,
    words: tuple[str, ...],
    ttys: int,
    no_tty: bool,
    no_stdin: bool,
    timeout: int | None,
    config_file: str | None,
    options: tuple[str, ...],
) -> int:
    """Run COMMAND on HOST, or a login shell, as ssh does.

    Its words are joined by single blanks, and the shell over there reads them as one line: what it
    is not to expand needs quotes of its own. Options stand before COMMAND. The exit status is the
    command's, or 255.

    \b
    qxub ssh run gadi
    qxub ssh run gadi ls -l
    qxub ssh run gadi 'ls *.txt | wc -l'
    """
    set_up_logging(0, quiet=False)
    line = " ".join(words)
    given = [*_as_options(ttys, no_tty=no_tty, no_stdin=no_stdin), *options]
    with translated():
        target = resolve(host, options=given, config_file=config_file, remote_command=line)
    if line and target.remote_command is not None:
        origin = target.origins["remotecommand"][0]
        message = f"{origin} names a command for {host} already (RemoteCommand)"
        raise UsageError(message, hint="With -o RemoteCommand=none, yours is run.")
    from qxub.cli.ssh.session import run  # noqa: PLC0415 - brings Paramiko

    return run(target, line or target.remote_command, timeout)


def _as_options(ttys: int, *, no_tty: bool, no_stdin: bool) -> list[str]:
    """Write -t, -T and -n as -o takes them."""
    if ttys and no_tty:
        raise UsageError("-t asks for a terminal, and -T for none", hint="Give one of them.")
    request = "no" if no_tty else _REQUESTS[min(ttys, 2)]
    return [
        *([f"RequestTTY={request}"] if request else []),
        *(["StdinNull=yes"] if no_stdin else []),
    ]
