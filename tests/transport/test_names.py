"""The package's names, which are imported one by one when they are used."""

from __future__ import annotations

import pytest

from qxub import transport


@pytest.mark.parametrize("name", transport.__all__)
def test_each_name_is_there(name: str) -> None:
    value = getattr(transport, name)
    assert value is getattr(transport, name)
    assert name in dir(transport)


def test_the_table_has_each_name_once() -> None:
    names = [name for names in transport._HOMES.values() for name in names]
    assert sorted(names) == sorted(transport.__all__)


def test_others_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        transport.nonsense  # type: ignore[attr-defined] # noqa: B018
