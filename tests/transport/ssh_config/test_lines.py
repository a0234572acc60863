"""Lines of ssh_config, and the arguments that are written for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.transport.ssh_config.lines import quoted, split_arguments
from qxub.transport.ssh_config.memory import read_line

IN_A_LINE = st.text(st.characters(exclude_characters="\n\r\0"), min_size=1)


@given(IN_A_LINE | st.text("\\\"' a#=", min_size=1))
def test_what_is_quoted_is_read_back(text: str) -> None:
    assert split_arguments(quoted(text)) == [text]
    line = read_line(f"  User {quoted(text)}")
    assert line is not None
    assert (line.value, line.problem) == (text, "")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("~/.ssh/id_ed25519", "~/.ssh/id_ed25519"),
        (r"C:\Users\Ann Example\.ssh\id_ed25519", r'"C:\Users\Ann Example\.ssh\id_ed25519"'),
        (r"C:\Users\O'Brien\id", r'"' + r"C:\Users\O'Brien\id" + '"'),
        (r"\\server\share\id", r'"\\\server\share\id"'),
        ("ends with \\", r'"ends with \\"'),
        ('a "b"', r'"a \"b\""'),
    ],
)
def test_quotes_as_few_as_needed(text: str, written: str) -> None:
    assert quoted(text) == written
