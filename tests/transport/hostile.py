"""A command at a hostile server, and how it ends."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from qxub.transport import ConnectionLost, TransportError, connect
from tests.fakes.hostile_server import Peer, host_at, hostile_server, then

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qxub.transport import Completion, Connection, RemoteProcess
    from tests.fakes.hostile_server import Behaviour

SECONDS_TO_END = 30
"""how long a session may take that ends at once, on a busy machine"""


@contextlib.contextmanager
def connected(behaviour: Behaviour, directory: Path, **settings: Any) -> Iterator[Connection]:
    """A connection to a server that behaves so, from the login on."""
    with hostile_server(behaviour) as port, connect(host_at(port, directory, **settings)) as line:
        yield line


@contextlib.contextmanager
def commanded(behaviour: Behaviour, directory: Path, **settings: Any) -> Iterator[RemoteProcess]:
    """A command that runs at a server that then behaves so."""
    with connected(then(Peer.command, behaviour), directory, **settings) as connection:
        yield connection.start("true")


def outcome(process: RemoteProcess) -> tuple[object, bytes, bytes]:
    """How it ends, within reason, and its output."""
    out, err = bytearray(), bytearray()
    got: list[object] = []

    def work() -> None:
        try:
            got.append(process.drain(out.extend, err.extend))
        except TransportError as error:
            got.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(SECONDS_TO_END)
    assert got, "hangs"
    return got[0], bytes(out), bytes(err)


def check(got: object, expected: Completion | str) -> None:
    """Compare an outcome with what is expected; a str is a part of ConnectionLost's message."""
    if not isinstance(expected, str):
        assert got == expected
        return
    assert isinstance(got, ConnectionLost)
    assert expected in got.message
    assert got.message.isprintable()
    assert got.message.startswith("far: the connection was lost")
