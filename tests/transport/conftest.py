"""The two hosts of the contract: the fake one and a real sshd."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from qxub.transport import resolve
from tests.fakes.ssh_host import FakeHost, fake_host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import HostConfig
    from tests.real.sshd import Sshd


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeHost]:
    with fake_host(tmp_path / "fake") as host:
        yield host


@pytest.fixture(params=["fake", "sshd"])
def host(request: pytest.FixtureRequest) -> HostConfig:
    """The host `target`, played by the fake and by OpenSSH."""
    if request.param == "fake":
        fake: FakeHost = request.getfixturevalue("fake")
        return fake.config()
    server: Sshd = request.getfixturevalue("sshd")
    return resolve("target", config_file=server.ssh_config)


@pytest.fixture
def nothing_is_printed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Logging is not set up, as in a program that knows nothing of it; and nothing is printed."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Every test leaves the threads as they were: connections and servers end theirs."""
    import threading
    import time

    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left behind: {left}"
