"""A named pipe with one instance, which serves one client after the other."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Callable

assert sys.platform == "win32"  # for mypy, which passes over it elsewhere

import _winapi
import msvcrt

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR_PIPE_CONNECTED = 535
BUFFER = 1 << 16


@contextlib.contextmanager
def served_pipe(name: str, serve: Callable[[int], None]) -> Iterator[None]:
    """Call `serve` with a file descriptor for each client; in the end, wait for the last."""
    stopping = threading.Event()
    handle = _create(name)
    server = threading.Thread(target=_accept, args=(name, handle, serve, stopping), name="pipe")
    server.start()
    try:
        yield
    finally:
        stopping.set()
        while server.is_alive():
            with contextlib.suppress(OSError):  # busy with a client still, or with its end
                os.close(os.open(name, os.O_RDWR))
            server.join(0.05)


def _create(name: str) -> int:
    access, byte_mode, instances = _winapi.PIPE_ACCESS_DUPLEX, 0, 1
    return _winapi.CreateNamedPipe(name, access, byte_mode, instances, BUFFER, BUFFER, 0, 0)


def _accept(
    name: str, handle: int, serve: Callable[[int], None], stopping: threading.Event
) -> None:
    while True:
        try:
            _winapi.ConnectNamedPipe(handle, overlapped=False)
        except OSError as error:
            if error.winerror != ERROR_PIPE_CONNECTED:  # the client came first
                raise
        descriptor = msvcrt.open_osfhandle(handle, os.O_RDWR | os.O_BINARY)
        try:
            if stopping.is_set():
                return
            serve(descriptor)
        finally:
            os.close(descriptor)
        handle = _create(name)
