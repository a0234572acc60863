"""What was asked for, on stdout: where it cannot be written, that is told in one sentence."""

from __future__ import annotations

import click

from qxub.cli.own_words import silence
from qxub.errors import UsageError


def write_answer(text: str, what: str = "the answer", hint: str = "") -> None:
    """Write to stdout. Raises UsageError, which names `what`, where that fails (a full disk)."""
    try:
        click.echo(text)
    except BrokenPipeError:  # a reader that has seen enough, as head(1): click ends quietly
        raise
    except OSError as error:
        silence(1)
        message = f"{what} cannot be written to stdout: {error.strerror or error}"
        raise UsageError(message, hint=hint) from error


class CommandWithHelp(click.Command):
    """A command whose --help is told where it cannot be written; click itself lets that through."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return click's --help, which writes as `write_answer` does."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


def _show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        write_answer(ctx.get_help(), "the help")
        ctx.exit()
