"""The reference is what the tables say."""

from __future__ import annotations

from pathlib import Path

from qxub.execution.result import RunResult
from qxub.execution.template import PARTS, VALUES
from qxub.job import OutcomeKind
from qxub.option import LOG_VARIABLES
from qxub.options import OPTIONS, RESOURCE_NAMES

DOCS = Path(__file__).parent.parent / "docs" / "reference"
OWN = {"completed": "the job's own, 0 to 255", "signalled": "128 + the signal that ended the job"}


def rows(file: str) -> list[list[str]]:
    """Return the cells of the first table of a page, without its head."""
    lines = (DOCS / file).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|---"))
    table = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_the_exit_statuses() -> None:
    expected = [[k.label, OWN.get(k.label, str(k.exit_status))] for k in OutcomeKind]
    assert rows("exit-status.md") == expected


def test_the_options() -> None:
    expected = [
        [
            ", ".join(f"`{flag}`" for flag in option.flags),
            option.kind.metavar,
            option.help,
            f"`defaults.{option.config_key}`" if option.config_key else "",
        ]
        for option in OPTIONS
    ]
    assert rows("exec.md") == expected


def test_every_word_that_may_stand_in_a_value() -> None:
    options, script = (
        (DOCS / file).read_text(encoding="utf-8") for file in ("exec.md", "job-script.md")
    )
    assert [name for name in LOG_VARIABLES if f"`{{{name}}}`" not in options] == []
    assert [name for name in RESOURCE_NAMES if f"`{name}`" not in options] == []
    assert [name for name in (*PARTS, *VALUES) if f"`{{{name}}}`" not in script] == []


def test_the_keys_of_a_result() -> None:
    keys = [cells[0].strip("`") for cells in rows("result.md")]
    assert keys == list(RunResult().as_object())
