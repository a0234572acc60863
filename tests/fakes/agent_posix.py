"""An SSH agent on a Unix socket, played by a function: also such as no honest agent would do."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def agent_that(answer: Callable[[bytes], bytes | None], path: Path) -> Iterator[Path]:
    """Answer each request (its length included) with raw bytes; with None, with silence."""
    stopping = threading.Event()

    def serve() -> None:
        while True:
            peer, _ = listener.accept()
            if stopping.is_set():
                peer.close()
                return
            with peer, contextlib.suppress(OSError):
                while request := peer.recv(1 << 16):
                    raw = answer(request)
                    if raw is None:
                        stopping.wait(30)
                        break
                    peer.sendall(raw)
                    if not raw:
                        break

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve, name="agent")
        thread.start()
        try:
            yield path
        finally:
            stopping.set()
            with socket.socket(socket.AF_UNIX) as waker:
                waker.connect(str(path))
            thread.join(10)
