"""A line with a round-trip time, on loopback: `delaying_proxy.py PORT SECONDS`.

It relays TCP connections to PORT on 127.0.0.1, each way SECONDS late. The delay is pipelined: what
is under way has no limit, so there is none to the bandwidth but the machine's. What TCP itself
waits for on such a line, its handshake and acknowledgements, is not delayed here. It prints the
port on which it listens, and ends with its stdin.
"""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from typing import Optional

CHUNK_BYTES = 256 * 1024

# What has come and when it is due; None is end-of-file.
Flow = queue.SimpleQueue[tuple[float, Optional[bytes]]]


def main() -> None:
    """Serve until stdin ends."""
    target_port, delay = int(sys.argv[1]), float(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=serve, args=(listener, target_port, delay), daemon=True).start()
    sys.stdin.read()


def serve(listener: socket.socket, target_port: int, delay: float) -> None:
    """Relay each connection, in four threads."""
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", target_port))
        for source, sink in ((client, server), (server, client)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            flow: Flow = queue.SimpleQueue()
            threading.Thread(target=take, args=(source, flow, delay), daemon=True).start()
            threading.Thread(target=pass_on, args=(flow, sink), daemon=True).start()


def take(source: socket.socket, flow: Flow, delay: float) -> None:
    """Read as fast as bytes come; a connection that is reset has ended, too."""
    data: bytes | None = b"begin"
    while data:
        try:
            data = source.recv(CHUNK_BYTES) or None
        except OSError:
            data = None
        flow.put((time.monotonic() + delay, data))


def pass_on(flow: Flow, sink: socket.socket) -> None:
    """Write each piece when it is due. Who has gone is not written to any more."""
    while True:
        due, data = flow.get()
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if data is None:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)
        except OSError:
            return


if __name__ == "__main__":
    main()
