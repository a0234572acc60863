"""A TCP relay on loopback that can end the line, in three ways, for any server behind it."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

WAYS = ("cut", "reset", "stall")
LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""struct linger: closing with what is unsent thrown away, and a reset"""


class CuttingProxy:
    """A context manager that relays one connection to a loopback port until the line is ended.

    With `after`, that many bytes pass, in both directions together, and then the line ends in the
    given `way`: it is cut in good order (FIN), reset (RST), or stalls, of which nobody is told.
    """

    def __init__(self, target_port: int, *, after: int | None = None, way: str = "cut") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = 0
        self.has_ended = threading.Event()
        self._after = after
        self._way = way
        self._counting = threading.Lock()
        self.bytes_up = self.bytes_down = 0
        """how many the client has sent, and how many it was sent"""
        self._target_port = target_port
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._flows = threading.Event()
        self._flows.set()

    def stall(self) -> None:
        """Let nothing pass any more, in either direction."""
        self._flows.clear()

    def cut(self) -> None:
        """Cut the line in both directions at once."""
        self._shut_down(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Wake the relaying threads; what they leave behind is closed with a reset."""
        for sock in self._sockets[1:]:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self._shut_down(socket.SHUT_RD)

    def _shut_down(self, how: int) -> None:
        for sock in self._sockets:
            with contextlib.suppress(OSError):  # it may be down already
                sock.shutdown(how)

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # cut before a client came
            return
        server = socket.create_connection(("127.0.0.1", self._target_port))
        self._sockets += [client, server]
        backwards = self._start(self._relay, server, client)
        self._relay(client, server, up=True)
        backwards.join()
        client.close()
        server.close()

    def _relay(self, source: socket.socket, sink: socket.socket, *, up: bool = False) -> None:
        with contextlib.suppress(OSError):  # the end
            while data := source.recv(65536):
                passing = data[: self._count(len(data))]
                self._flows.wait()
                sink.sendall(passing)
                if up:
                    self.bytes_up += len(passing)
                else:
                    self.bytes_down += len(passing)
                if len(passing) < len(data):
                    self._end()
                    break
        if self._way != "reset" or not self.has_ended.is_set():
            self._flows.wait()
            self.cut()

    def _count(self, size: int) -> int:
        """How many of `size` bytes may pass."""
        with self._counting:
            room = size if self._after is None else min(size, self._after - self.passed)
            self.passed += room
        return room

    def _end(self) -> None:
        self.has_ended.set()
        getattr(self, self._way)()

    def _start(self, target: object, *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
        return thread

    def __enter__(self) -> Self:
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._flows.set()
        for thread in list(self._threads):
            thread.join()
        for sock in self._sockets:
            sock.close()
