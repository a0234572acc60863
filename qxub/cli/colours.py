"""Colours for qxub's own words on stderr: on a terminal only, and where they are welcome."""

from __future__ import annotations

import os

import click

from qxub import system
from qxub.cli.own_words import has_terminal


def red(text: str) -> str:
    """Mark what went wrong."""
    return click.style(text, fg="red", bold=True) if _are_welcome() else text


def yellow(text: str) -> str:
    """Mark a warning."""
    return click.style(text, fg="yellow") if _are_welcome() else text


def dim(text: str) -> str:
    """Let the words stand back, behind the job's output."""
    return click.style(text, dim=True) if _are_welcome() else text


def _are_welcome() -> bool:
    """Ask the terminal and its user (https://no-color.org; terminfo(5) for "dumb")."""
    return (
        has_terminal()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
        and system.shows_colours()
    )
