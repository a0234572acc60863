"""YAML with file and line."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.errors import ConfigError
from qxub.yaml_file import Values, parse_yaml, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


def values(text: str) -> Values:
    return Values(parse_yaml(text.encode(), "config.yaml"))


def test_values_stand_under_their_keys_as_text() -> None:
    found = values("a:\n  cpus: 4\n  runtime: 2:30:00\n  yes: no\nb: [x, 'y z']\nempty:\n")
    assert found.text("a", "cpus") == "4"
    assert found.text("a", "runtime") == "2:30:00"
    assert found.text("a", "yes") == "no"
    assert found.text("empty") is None
    setting = found.find("b")
    assert setting is not None
    assert setting.value == ("x", "y z")
    assert setting.place == "config.yaml, line 5"


def test_a_list_of_mappings_is_numbered() -> None:
    found = values("queues:\n- name: normal\n- name: gpu\n")
    assert found.names("queues") == ["0", "1"]
    assert found.text("queues", "1", "name") == "gpu"


def test_merge_keys_are_followed() -> None:
    found = values("base: &b {host: x}\nother:\n  <<: *b\n  user: y\n")
    assert (found.text("other", "host"), found.text("other", "user")) == ("x", "y")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2", "line 1, column 9"),
        ("a:\n  b: 1\n c: 2\n", "line 3, column 2"),
        ("a: 1\na: 2\n", "line 1, column 1: the key 'a' is given twice"),
        ("- 1\n- 2\n", "line 1, column 1: the file must be a mapping"),
        ("? [x]\n: 1\n", "line 1, column 3"),
        ("a: &x\n  b: *x\n", "deep"),
        ("a:\n\tb: c\n", "line 2, column 1"),
        ("a: *nowhere\n", "line 1, column 4"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError, match=r"^config.yaml") as caught:
        values(text)
    assert place in caught.value.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"a: \xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_yaml(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_yaml(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="cannot read"):
        read_yaml(tmp_path)


def test_notepad_s_bom_and_line_ends_are_no_trouble() -> None:
    found = Values(parse_yaml(b"\xef\xbb\xbfa:\r\n  b: c\r\n", "x"))
    assert found.text("a", "b") == "c"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_give_any_other_error(content: bytes) -> None:
    with contextlib.suppress(ConfigError):
        parse_yaml(content, "x")
