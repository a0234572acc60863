"""A real Windows console, drawn by Wine on a pseudo-terminal: keys in, screen out."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import contextlib
import fcntl
import os
import re
import select
import socket
import struct
import subprocess
import termios
import time
import tty
from typing import TYPE_CHECKING

from tests.windows.wine import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.windows.prompt import Prompt
    from tests.windows.session import Wine

SECONDS = 60.0  # generous: the machine may be busy with other things
SECONDS_TO_END = 5.0  # when it could be killed as well
ROWS, COLUMNS = 30, 200  # wide: so no line is broken
# cursor moves and colours (ECMA-48 control sequences), and the window's title (xterm)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>()][0-9A-Z]?|\r")
MOVE_RIGHT = re.compile(r"\x1b\[(\d*)C")


class Console:
    """A line that runs on a console. `raw` is what Wine has drawn so far."""

    def __init__(self, wine: Wine, terminal: int, keys: socket.socket) -> None:
        self.raw = ""
        self._wine = wine
        self._terminal = terminal
        self._keys = keys

    @property
    def screen(self) -> str:
        """What has been written on the screen so far, without colours and cursor moves."""
        spaced = MOVE_RIGHT.sub(lambda found: " " * int(found[1] or 1), self.raw)
        return CONTROL.sub("", spaced)

    def wait_for(self, text: str) -> None:
        """Wait until `text` stands on the screen; AssertionError if it does not in a minute."""
        deadline = time.monotonic() + SECONDS
        while text not in self.screen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.screen!r}"
            self._read()

    def press(self, keys: str) -> None:
        r"""Press keys: ASCII characters, "\r" for Enter, "\x03" for Ctrl-C."""
        self._keys.sendall(keys.encode("ascii"))

    def exit_status(self) -> int:
        """Wait for the end of the line and return its exit status."""
        deadline = time.monotonic() + SECONDS
        status = b""
        while True:
            assert time.monotonic() < deadline, f"no end of: {self.screen!r}"
            if self._keys in self._read():
                data = self._keys.recv(100)
                if not data:
                    return int(status)
                status += data

    def _read(self) -> list[int | socket.socket]:
        """Take what comes in, for a tenth of a second at most; return what else is readable."""
        self._wine.check()
        watched: list[int | socket.socket] = [self._terminal, self._keys]
        ready = select.select(watched, [], [], 0.1)[0]
        if self._terminal in ready:
            self.raw += os.read(self._terminal, 1 << 16).decode("utf-8", "replace")
        return ready


@contextlib.contextmanager
def typed_on_console(prompt: Prompt, line: str) -> Iterator[Console]:
    """Run `line` on a console of its own; what still runs of it at the end is killed."""
    terminal, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    tty.setraw(inner)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        argv = prompt.helper("tests.windows.keys_on_console", port, line)
        process = subprocess.Popen(
            argv,
            env={**prompt.environment, "TERM": "xterm"},
            cwd=CHECKOUT,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        try:
            with _accepted(listener, prompt.wine) as keys:
                yield Console(prompt.wine, terminal, keys)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_END)
        finally:
            process.kill()
            process.wait()
            os.close(inner)
            os.close(terminal)


def _accepted(listener: socket.socket, wine: Wine) -> socket.socket:
    """Wait for the connection of `keys_on_console`."""
    deadline = time.monotonic() + SECONDS
    while not select.select([listener], [], [], 0.1)[0]:
        wine.check()
        assert time.monotonic() < deadline, "nobody is there to type"
    return listener.accept()[0]
