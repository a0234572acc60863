"""Text beyond ASCII: arguments, output and messages, whatever the code pages are.

Two code pages count on Windows: the console's (chcp), and the ANSI one of the system's language,
which Python takes for pipes and files. PYTHONIOENCODING and PYTHONUTF8 are not set.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.windows.prompt import Prompt

pytestmark = [
    pytest.mark.windows,
    pytest.mark.parametrize(
        ("ansi", "console"), [(1252, 1252), (1252, 437), (932, 932)], ids=["1252", "437", "932"]
    ),
]

TEXT = "grüße-日本語-€-😀"  # in none of the three code pages is there all of it


def test_arguments_and_output_are_utf8_there(laptop: Prompt, ansi: int, console: int) -> None:
    prompt = dataclasses.replace(laptop, code_page=ansi)
    line = f'qxub exec --platform far -- sh -c "echo $1; echo $1 >&2" - {TEXT}'
    ended = prompt.type(line, console_code_page=console)
    written = f"{TEXT}\n".encode()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, written, written)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"qxub exec --platform {TEXT} -- true", 2),
        (f'qxub exec --config "{TEXT}.yaml" -- true', 78),
    ],
    ids=["platform", "file"],
)
def test_messages_name_what_was_typed(
    laptop: Prompt, ansi: int, console: int, line: str, status: int
) -> None:
    prompt = dataclasses.replace(laptop, code_page=ansi)
    ended = prompt.type(line, console_code_page=console)
    assert (ended.returncode, ended.stdout) == (status, b""), ended.stderr
    assert TEXT in ended.stderr.decode()


def test_dry_run_gives_the_command_exactly(laptop: Prompt, ansi: int, console: int) -> None:
    prompt = dataclasses.replace(laptop, code_page=ansi)
    line = f"qxub exec --dry --platform far -- echo {TEXT}"
    ended = prompt.type(line, console_code_page=console)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert f"-- echo '{TEXT}'" in ended.stdout.decode()
