"""qxub's own words on stderr: where they cannot be written, the run goes on without them."""

from __future__ import annotations

import os
import sys

import click


def write_words(text: str, *, ends_line: bool = True) -> None:
    """Write to stderr. Words that nobody can read must not take the place of the job's status."""
    if sys.stderr is None:
        return
    try:
        click.echo(text, err=True, nl=ends_line)
    except OSError:  # a full disk, or a terminal that has gone
        sys.stderr = None  # what it has buffered would fail at exit


def has_terminal() -> bool:
    """Return whether a person reads stderr; it is None where it was closed from the beginning."""
    return sys.stderr is not None and sys.stderr.isatty()


def silence(number: int) -> None:
    """Send what a file descriptor still has buffered nowhere; the flush at exit would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
