"""Memory and walltime, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qxub.quantities import (
    format_clock,
    format_memory,
    format_walltime,
    parse_memory,
    parse_walltime,
)

GIB = 2**30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * GIB),
        ("16g", 16 * GIB),
        ("2000MB", 2000 * 2**20),
        ("1GiB", GIB),
        ("512", 512),
        ("4 kb", 4096),
        ("1T", 2**40),
    ],
)
def test_memory_as_users_write_it(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "0", "8XB", "-1GB", "1.5GB", "GB", "8GBB", "٣GB x"])
def test_no_memory(text: str) -> None:
    with pytest.raises(ValueError, match="8GB, 2000MB or 16g"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2h", 7200),
        ("30m", 1800),
        ("1h30m", 5400),
        ("02:30:00", 9000),
        ("10:00", 600),
        ("1d", 86400),
        ("45s", 45),
        ("100:00:00", 360_000),
    ],
)
def test_walltime_as_users_write_it(text: str, seconds: int) -> None:
    assert parse_walltime(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "0m", "1:2:3:4", "1h 30", "01:75:00", "h", "-1h"])
def test_no_walltime(text: str) -> None:
    with pytest.raises(ValueError, match="2h, 30m, 1h30m or 02:30:00"):
        parse_walltime(text)


@given(st.integers(min_value=1, max_value=2**60))
def test_memory_survives_being_written(size: int) -> None:
    assert parse_memory(format_memory(size)) == size


@given(st.integers(min_value=1, max_value=10**7))
def test_walltime_survives_being_written(seconds: int) -> None:
    assert parse_walltime(format_walltime(seconds)) == seconds
    assert parse_walltime(format_clock(seconds)) == seconds


def test_amounts_are_written_as_users_know_them() -> None:
    assert format_memory(8 * GIB) == "8GB"
    assert format_memory(2000 * 2**20) == "2000MB"
    assert format_walltime(5400) == "1h30m"
    assert format_clock(5400) == "1:30:00"
