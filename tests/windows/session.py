"""Wine, kept up while tests run, and started again when its server dies."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Callable, TypeVar

from tests.real.processes import supervised, wait_until
from tests.windows.wine import WINE, WINE_SERVER, Root, windows_path

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

Result = TypeVar("Result")
SLEEP = "import sys, time; open(sys.argv[1], 'x').close(); time.sleep(1e6)"
ATTEMPTS = 5
SIGKILL = 9  # signal(7); Windows' signal module, and so mypy for it, lacks the name


class WineDiedError(Exception):
    """Wine's server has ended, so whatever runs under Wine waits for ever. Nobody's fault here."""


class Wine:
    """Wine's server and one sleeping program, so that others start at once, not in three seconds.

    Wine 8.0's server fails an assertion (`sock_poll_event`, server/sock.c) in about one of twenty
    programs that close a socket in which another thread still waits.
    """

    def __init__(self, root: Root, directory: Path) -> None:
        self.root = root
        self._directory = directory
        self._running = contextlib.ExitStack()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start both, and wait until programs can be started."""
        directory = Path(tempfile.mkdtemp(dir=self._directory))
        up, log = directory / "up", directory / "log"
        environment = self.root.environment()
        server = [str(WINE_SERVER), "--foreground", "--persistent"]
        self._server = self._running.enter_context(supervised(server, log, environment))
        python = [str(WINE), self.root.pythons()[0].program, "-S", "-c", SLEEP]
        # by a shell, because a Windows Python under Wine dies of output that goes to a regular file
        argv = ["/bin/sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *python]
        argv.append(windows_path(up, self.root.drive_c))
        sleeper = self._running.enter_context(supervised(argv, log, environment))
        wait_until(up.exists, sleeper, log)

    def stop(self) -> None:
        """Kill all that runs in this prefix, the server with it."""
        wanted = f"WINEPREFIX={self.root.prefix}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            if wanted in _environment_of(process) and int(process.name) != os.getpid():
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(int(process.name), SIGKILL)
        self._running.close()

    def check(self) -> None:
        """Raise WineDiedError if the server has died."""
        if self._server is not None and self._server.poll() is not None:
            raise WineDiedError

    def outlive(self, action: Callable[[], Result]) -> Result:
        """Do `action`, and again in a new Wine as long as it raises WineDiedError."""
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(WineDiedError):
                return action()
            self.stop()
            self.start()
        return action()


def _environment_of(process: Path) -> list[bytes]:
    """A process's environment (proc(5)); nothing if it has ended or is another user's."""
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


@contextlib.contextmanager
def running_wine(root: Root, directory: Path) -> Iterator[Wine]:
    """Run Wine in a copy of `root`, with its logs in `directory`; at the end, nothing is left.

    The copy lets several test runs go on at once, each with its own registry and drive C:.
    """
    with tempfile.TemporaryDirectory(prefix="session-", dir=root.directory) as name:
        wine = Wine(_copy(root, Path(name)), directory)
        try:
            wine.start()
            yield wine
        finally:
            wine.stop()


def _copy(root: Root, directory: Path) -> Root:
    """Copy a root in a third of a second: by links, but for what Wine writes to in place."""
    own = Root(directory)
    shutil.copytree(root.prefix, own.prefix, symlinks=True, copy_function=_link_or_copy)
    own.locales.symlink_to(root.locales)
    return own


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith(".reg"):  # the registry
        shutil.copy(source, target)
    else:
        os.link(source, target)  # Path.hardlink_to is of Python 3.10
