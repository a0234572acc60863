"""A real terminal of this machine, and a program that runs at it: keys in, screen out."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SECONDS = 60.0  # generous: the machine may be busy with other things
SESSION_LEADER = Path(__file__).with_name("session_leader_posix.py")


class Terminal:
    """A pseudo-terminal: `inner` is the side of programs, `screen` all that they have written."""

    def __init__(self, columns: int, rows: int) -> None:
        self._outer, self.inner = os.openpty()
        self._data = b""
        self._reports = b""
        self._report = self._end = -1
        self.resize(columns, rows)

    @property
    def screen(self) -> str:
        return self._data.decode("utf-8", "replace")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the kernel tells the program (SIGWINCH)."""
        fcntl.ioctl(self._outer, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list[Any]:
        """The terminal's attributes, as of tcgetattr."""
        return termios.tcgetattr(self.inner)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until `text` stands on the screen; AssertionError if it does not in a minute."""
        deadline = time.monotonic() + SECONDS
        while self.screen.count(text) < times:
            assert time.monotonic() < deadline, f"no {text!r} in {self.screen!r}"
            self._take()

    def press(self, keys: bytes) -> None:
        while keys:
            keys = keys[os.write(self._outer, keys) :]

    def clear(self) -> None:
        """Forget what is on the screen."""
        self._data = b""

    def hang_up(self) -> None:
        """Close the window: programs see their terminal go."""
        os.close(self._outer)
        self._outer = -1

    def program(self) -> int:
        """The number of the program's process."""
        return self._nth_report(0)

    def exit_status(self) -> int:
        """Wait for the program's end; negative for a signal, as of subprocess."""
        status = self._nth_report(1)
        if self._outer >= 0:
            while self._take(seconds=0):
                pass
        return status

    @contextlib.contextmanager
    def running(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[None]:
        """Run a program at the terminal; at the end of the block its session is killed."""
        self._reports = b""
        self._report, reports = os.pipe()
        end, self._end = os.pipe()
        leader = [sys.executable, "-I", "-S", str(SESSION_LEADER), str(reports), str(end)]
        process = subprocess.Popen(
            [*leader, *argv],
            env=env,
            cwd=cwd,
            stdin=self.inner,
            stdout=self.inner,
            stderr=self.inner,
            start_new_session=True,
            pass_fds=(reports, end),
        )
        os.close(reports)
        os.close(end)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
            os.close(self._report)
            os.close(self._end)

    def close(self) -> None:
        for descriptor in (self._outer, self.inner):
            if descriptor >= 0:
                os.close(descriptor)

    def _nth_report(self, number: int) -> int:
        deadline = time.monotonic() + SECONDS
        while self._reports.count(b"\n") <= number:
            assert time.monotonic() < deadline, f"no end of: {self.screen!r}"
            self._take()
        return int(self._reports.split(b"\n")[number])

    def _take(self, seconds: float = 0.1) -> bool:
        """Take what comes in, for a tenth of a second at most; tell if that was anything."""
        watched = [descriptor for descriptor in (self._outer, self._report) if descriptor >= 0]
        ready = select.select(watched, [], [], seconds)[0]
        if self._report in ready:
            data = os.read(self._report, 100)
            assert data, f"the session has gone: {self.screen!r}"
            self._reports += data
        if self._outer in ready:
            self._data += os.read(self._outer, 1 << 16)
        return self._outer in ready


@contextlib.contextmanager
def terminal(columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """Open a terminal of that size."""
    opened = Terminal(columns, rows)
    try:
        yield opened
    finally:
        opened.close()
