"""Text with {name} in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.placeholders import check_placeholders, expand_variables, placeholders, split

pieces = st.sampled_from(
    ["{", "}", "$", "a", "_", "{{", "}}", "{a}", "${a}", "{{a}}", "A", "1", " "]
)
texts = st.lists(pieces).map("".join)


def filled(text: str, value: str) -> str:
    return "".join(before + (value if name else "") for before, name in split(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a}/{b_c}", "X/X"),
        ("{{a}} {{{a}}}", "{a} {{a}}"),
        (
            "${a} ${HOME} {A} {1..3} { a; } {a,b} {} {a",
            "${a} ${HOME} {A} {1..3} { a; } {a,b} {} {a",
        ),
        ("${x:-${y}}", "${x:-${y}}"),
        ("", ""),
    ],
)
def test_what_is_a_placeholder(text: str, expected: str) -> None:
    assert filled(text, "X") == expected


@given(texts)
def test_all_else_stays(text: str) -> None:
    if not list(placeholders(text)) and not re.search(r"{{[a-z_]+}}", text):
        assert filled(text, "X") == text


@given(texts)
def test_the_places_are_those_of_the_pieces(text: str) -> None:
    named = [name for _, name in split(text) if name]
    assert [name for _, name in placeholders(text)] == named
    assert all(text.startswith(f"{{{name}}}", at) for at, name in placeholders(text))


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    assert check_placeholders("{a}{{c}}", ("a", "b")) == "{a}{{c}}"
    with pytest.raises(ValueError, match=r"unknown \{c\}; known are a, b"):
        check_placeholders("{a}{c}", ("a", "b"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A} ${{A}} $A ${A:-x} {A}", "1 ${A} $A ${A:-x} {A}"),
        ("${{A}", "${{A}"),
        ("$${A}", "$1"),
        ("${B}", "${A}"),  # a value is not looked into
    ],
)
def test_variables_of_the_environment(text: str, expected: str) -> None:
    assert expand_variables(text, {"A": "1", "B": "${A}"}) == expected


def test_a_variable_that_is_not_set() -> None:
    with pytest.raises(
        ValueError, match=r"\$\{X\} is not set here; \$\{\{X\}\} is left for the job"
    ):
        expand_variables("${X}", {})
