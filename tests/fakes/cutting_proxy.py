"""A TCP relay on loopback that can cut the line, or stall it, for any server behind it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class CuttingProxy:
    """A context manager that relays one connection to a loopback port until it is cut."""

    def __init__(self, target_port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.bytes_up = self.bytes_down = 0
        """how many the client has sent, and how many it was sent"""
        self._target_port = target_port
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._flows = threading.Event()
        self._flows.set()

    def stall(self) -> None:
        """Let nothing pass any more, in either direction; nobody is told."""
        self._flows.clear()

    def cut(self) -> None:
        """Cut the line in both directions at once."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):  # it may have been cut already
                sock.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:  # cut before a client came
            return
        server = socket.create_connection(("127.0.0.1", self._target_port))
        self._sockets += [client, server]
        self._start(self._relay, server, client)
        self._relay(client, server, up=True)

    def _relay(self, source: socket.socket, sink: socket.socket, *, up: bool = False) -> None:
        with contextlib.suppress(OSError):  # the cut
            while True:
                data = source.recv(65536)
                self._flows.wait()
                if not data:
                    break
                sink.sendall(data)
                if up:
                    self.bytes_up += len(data)
                else:
                    self.bytes_down += len(data)
        self.cut()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

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
