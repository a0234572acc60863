"""Where errors become one clear message and an exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qxub.cli.colours import dim, red
from qxub.cli.own_words import write_words
from qxub.cli.progress import LINE
from qxub.errors import QxubError, UsageError
from qxub.job import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Sequence


def exit_status_of(command: click.Command, words: Sequence[str], name: str) -> int:
    """Run a command and return its exit status; every foreseen error is told on stderr.

    An unforeseen one keeps its traceback: it is a bug, and the traceback is what mends it. Python
    would end with 1 then, which a job might have said: there may be one, so it is lost.
    """
    try:
        return run_command_line(command, words, name)
    except QxubError as error:
        tell(error.message, error.hint)
        return error.exit_status
    except click.UsageError as error:
        if error.message.startswith("Usage:"):  # nothing was typed, so this is the whole --help
            write_words(error.message)
            return error.exit_code
        usage = usage_error(error)
        tell(usage.message, usage.hint)
        return usage.exit_status
    except (KeyboardInterrupt, click.Abort):
        tell("interrupted before anything was submitted")
        return OutcomeKind.CANCELLED.exit_status or 1
    except Exception:  # noqa: BLE001 - told whole
        import traceback  # noqa: PLC0415 - only here

        LINE.clear()
        write_words(traceback.format_exc())
        tell("a bug in qxub: whether there is a job, and how it ends, is not known")
        return OutcomeKind.LOST.exit_status or 1


def usage_error(error: click.UsageError) -> UsageError:
    """Return what click says of a command line as an error of our own, in our words."""
    hint = "" if error.ctx is None else f"See {error.ctx.command_path} --help."
    if isinstance(error, click.NoSuchOption):
        message = f"there is no option {error.option_name}"
        near = _nearest(error.option_name, error.ctx)
        return UsageError(message, hint=f"Did you mean {near}? {hint}" if near else hint)
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _nearest(name: str, context: click.Context | None) -> str:
    """Return the option whose name is most like this one, or "" where none is like it."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    parameters = [] if context is None else context.command.get_params(context)
    flags = [flag for parameter in parameters for flag in parameter.opts]
    known = {flag.lstrip("-"): flag for flag in flags if flag.startswith("--")}
    found = difflib.get_close_matches(name.lstrip("-"), known, n=1, cutoff=0.7)
    return known[found[0]] if found else ""


def run_command_line(
    command: click.Command, words: Sequence[str], name: str, context: object = None
) -> int:
    """Let click parse `words` and call the command; return what it returns as exit status.

    `context` is handed to the command as click's context object.
    """
    status = command.main(
        args=list(words),
        prog_name=name,
        standalone_mode=False,
        windows_expand_args=False,  # the command line is the job's: * must arrive as *
        obj=context,
    )
    return status if isinstance(status, int) else 0


def tell(message: str, hint: str = "") -> None:
    """Write a message of qxub's own to stderr: of something that went wrong."""
    LINE.clear()
    write_words(f"{red('qxub:')} {message}")
    if hint:
        write_words(f"  {hint}")


def mention(message: str) -> None:
    """Write a message of qxub's own to stderr: of something that went as it should."""
    LINE.clear()
    write_words(dim(f"qxub: {message}"))
