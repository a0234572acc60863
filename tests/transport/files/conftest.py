"""The sites, one server of each for the whole session, and a connection for each test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qxub.transport import connect, open_files
from tests.transport.files.sites import SITES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qxub.transport import Connection, Files
    from tests.transport.files.sites import Site


@pytest.fixture(scope="session", params=SITES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with SITES[request.param](tmp_path_factory.mktemp("site") / "server") as made:
        yield made


@pytest.fixture
def far(site: Site) -> Iterator[Path]:
    """A new directory of the user's, on the host."""
    with tempfile.TemporaryDirectory(prefix="qxub-test-far-") as name:
        yield site.give(Path(name))


@pytest.fixture
def connection(site: Site) -> Iterator[Connection]:
    with connect(site.host) as made:
        yield made


@pytest.fixture
def files(site: Site, connection: Connection) -> Iterator[Files]:
    """The way that is taken when none is named."""
    with open_files(connection) as made:
        assert made.way == site.way
        yield made
