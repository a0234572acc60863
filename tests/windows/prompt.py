"""The prompt of a Windows laptop: lines are run by Windows' cmd, under Wine."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.windows.wine import CHECKOUT, WINE, Root, WindowsPython, windows_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.windows.session import Wine

SECONDS_FOR_A_LINE = 100.0  # generous: the machine may be busy with other things


@dataclass(frozen=True)
class Prompt:
    """Where a user types: a Python for Windows with qxub, and a profile directory.

    The ANSI code page, which Windows Pythons use for pipes and files, is `code_page`; the
    console's is set for each line.
    """

    wine: Wine
    python: WindowsPython
    profile: Path
    code_page: int = 1252

    def path(self, *names: str) -> str:
        """Windows' path of a place in the profile."""
        return windows_path(self.profile.joinpath(*names), self.wine.root.drive_c)

    def helper(self, module: str, option: str, line: str) -> list[str]:
        """The Linux command that starts `line` by a module of ours, to be run in CHECKOUT.

        It starts without site-packages, quickly, and leaves no __pycache__ behind.
        """
        python = [str(WINE), self.python.program, "-B", "-E", "-s", "-S"]
        return [*python, "-m", module, option, self.path(), line]

    @property
    def environment(self) -> Mapping[str, str]:
        """The Linux side's environment; nothing of it reaches the line."""
        return self.wine.root.environment(self.code_page)

    def type(
        self, line: str, *, console_code_page: int = 1252, seconds: float = SECONDS_FOR_A_LINE
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a line to its end, with pipes for its streams; stdin is at its end."""
        argv = self.helper("tests.windows.type_at_prompt", str(console_code_page), line)
        return self.wine.outlive(lambda: self._run(argv, seconds))

    def _run(self, argv: list[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
        deadline = time.monotonic() + seconds
        with subprocess.Popen(
            argv,
            env=self.environment,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                output = self._communicate(process, deadline)
            except BaseException:
                process.kill()  # else the block would wait for it
                raise
        return subprocess.CompletedProcess(argv, process.returncode, *output)

    def _communicate(
        self, process: subprocess.Popen[bytes], deadline: float
    ) -> tuple[bytes, bytes]:
        while True:
            try:
                output = process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                self.wine.check()
                if time.monotonic() > deadline:
                    raise
            else:
                self.wine.check()  # what ended because of that proves nothing
                return output


@contextlib.contextmanager
def new_profile(root: Root) -> Iterator[Path]:
    """Give a fresh %USERPROFILE%, with a space in its name, and remove it in the end."""
    users = root.drive_c / "users"
    profile = Path(tempfile.mkdtemp(prefix="Ann Example ", dir=users))
    for name in ("Local/Temp", "Roaming"):
        (profile / "AppData" / name).mkdir(parents=True)
    try:
        yield profile
    finally:
        shutil.rmtree(profile)
