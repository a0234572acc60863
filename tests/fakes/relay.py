"""A `nc` for ProxyCommand, on any system: `python relay.py HOST PORT [--noise N] [--die-after N]`.

It copies standard input to the port and the port to standard output, by threads, as select() does
not work on Windows' pipes. `--noise` first writes N bytes of lines to stderr; `--die-after` ends it
with status 3 and a last word when N bytes have come from the port.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading

NOISE = b"relay: \x1b[31mnoise\x1b[0m " + b"." * 40 + b"\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--noise", type=int, default=0)
    parser.add_argument("--die-after", type=int)
    options = parser.parse_args()
    for _ in range(0, options.noise, len(NOISE)):
        os.write(2, NOISE)
    if sys.platform == "win32":
        import msvcrt

        for number in (0, 1):
            msvcrt.setmode(number, os.O_BINARY)
    with socket.create_connection((options.host, options.port)) as sock:
        threading.Thread(target=send, args=(sock,), daemon=True).start()
        receive(sock, options.die_after)
    os._exit(0)  # the other thread may still read


def send(sock: socket.socket) -> None:
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def receive(sock: socket.socket, die_after: int | None) -> None:
    count = 0
    while data := sock.recv(65536):
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]
        count += len(data)
        if die_after is not None and count >= die_after:
            os.write(2, b"relay: \x07 dies as told\n")
            os._exit(3)


if __name__ == "__main__":
    main()
