from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers import delaying_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

SENT = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that sends back all that it has got, when that has ended."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as source:
            connection.sendall(source.read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)


@pytest.mark.parametrize("delay", [0.0, 0.15])
def test_all_bytes_come_back_and_no_sooner(echo_port: int, delay: float) -> None:
    with delaying_proxy(echo_port, delay) as port:
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as near, near.makefile("rb") as source:
            near.sendall(SENT)
            near.shutdown(socket.SHUT_WR)
            assert source.read() == SENT
        assert time.monotonic() - begun >= 2 * delay
