"""Pattern lists, as ssh_config(5) has them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.transport.patterns import matches, matches_any


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("node[12]", "node[12]", True),
        ("node1", "node[12]", False),
        ("a.b", "?.*", True),
        ("", "*", True),
        ("", "?", False),
        ("abcabc", "*abc", True),
        ("ab", "ab*b", False),
        ("axbxc", "a?b*?", True),
        ("A", "a", False),
    ],
)
def test_one_pattern(text: str, pattern: str, expected: bool) -> None:
    assert matches(text, pattern) is expected


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_as_a_regular_expression_has_it(pattern: str, text: str) -> None:
    expression = re.sub(r"\*+", "*", pattern).replace("*", ".*").replace("?", ".")
    assert matches(text, pattern) == (re.fullmatch(expression, text) is not None)


def test_a_negated_pattern_decides() -> None:
    assert matches_any("a", ["b", "*"])
    assert not matches_any("a", ["*", "!a"])
    assert not matches_any("a", ["!b"])
