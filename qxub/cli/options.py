"""The one option table, as click parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, TypeVar

import click

from qxub.errors import UsageError
from qxub.option import COUNTED_FLAG, FLAG, Kind, Option
from qxub.options import OPTIONS, job_spec, with_resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.job import JobSpec

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])


class KindType(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic in newer clicks
    """Reads a value by its kind's own rule."""

    def __init__(self, kind: Kind) -> None:
        self.name = kind.metavar.lower()
        self._kind = kind

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """Return the value that a text stands for. Raises UsageError, with the option's name."""
        if not isinstance(value, str):
            return value
        try:
            return self._kind.parse(value)
        except ValueError as error:
            message = f"{param.opts[0]}: {error}" if param else str(error)
            raise click.UsageError(message, ctx) from error


def exec_options(function: AnyCallable) -> AnyCallable:
    """Decorate a command with every option of the table, and the command to run."""
    command = click.Argument(["command"], nargs=-1, type=click.UNPROCESSED, metavar="COMMAND...")
    parameters = [_click_option(option) for option in OPTIONS]
    # click keeps them from the last to the first, as decorators are applied
    function.__click_params__ = [*parameters, command][::-1]  # type: ignore[attr-defined]
    return function


def _click_option(option: Option) -> click.Option:
    names = [*option.flags, option.dest]
    if option.kind is FLAG:
        return click.Option(names, is_flag=True, help=option.help)
    if option.kind is COUNTED_FLAG:
        return click.Option(names, count=True, help=option.help)
    return click.Option(
        names,
        type=KindType(option.kind),
        metavar=option.kind.metavar,
        multiple=option.kind.many,
        help=option.help,
    )


def given_values(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, repeated ones flattened, without the command."""
    values = {}
    for option in OPTIONS:
        value = parsed[option.dest]
        if option.kind.many:
            value = [item for items in value for item in items]
        if value not in (None, False, 0, []):
            values[option.dest] = value
    return with_resources(values)


def checked_job_spec(values: Mapping[str, Any], command: tuple[str, ...]) -> JobSpec:
    """Make the JobSpec. Raises UsageError when there is no command, or options contradict."""
    if not command and "cmd" not in values:
        hint = "Usage: qxub exec [OPTIONS] -- COMMAND...; see qxub exec --help."
        message = "no command was given"
        raise UsageError(message, hint=hint)
    try:
        return job_spec(values, command)
    except ValueError as error:
        raise UsageError(str(error)) from error
