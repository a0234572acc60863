"""What the commands of `qxub ssh` share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from qxub.cli.answer import write_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qxub.transport.ssh_config import LookUp

config_file_option = click.option(
    "-F",
    "config_file",
    metavar="FILE",
    help="Read FILE instead of the user's and the system's ssh_config.",
)
keyword_option = click.option(
    "-o",
    "options",
    metavar="KEYWORD=VALUE",
    multiple=True,
    help="Set a keyword of ssh_config; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: object) -> None:
    """Print a value for a program to read."""
    write_answer(json.dumps(value, indent=2))


def print_table(rows: Iterable[Sequence[Any]]) -> None:
    """Print rows in columns, the last one as wide as it is."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths))
        write_answer("  ".join(padded).rstrip())


def print_origins(found: LookUp, names: Sequence[str]) -> None:
    """Print the lines of some keywords, each behind the place that it comes from."""
    settings = [(name, found.settings[name]) for name in names if name in found.settings]
    print_table(
        (origin, f"{name} {text}")
        for name, setting in settings
        for text, origin in zip(setting.texts, setting.origins)
    )
