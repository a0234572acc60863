"""Where the Windows Pythons are, and the environment in which Wine starts them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

CHECKOUT = Path(__file__).resolve().parents[2]

WINE = Path("/usr/lib/wine/wine64")
WINE_SERVER = Path("/usr/lib/wine/wineserver64")
"""the programs themselves: Debian's `wine` is a script that complains about a missing wine32"""

CODE_PAGES = {1252: "C.UTF-8", 932: "ja_JP.UTF-8"}
"""ANSI code page, which Python takes for pipes and files → the locale from which Wine derives it"""


def cache_directory() -> Path:
    """Downloads: QXUB_WINDOWS_CACHE, by default qxub-windows below the XDG cache directory."""
    default = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("QXUB_WINDOWS_CACHE") or Path(default) / "qxub-windows")


def root_directory() -> Path:
    """Everything that is installed: QXUB_WINDOWS_ROOT, by default below the cache directory."""
    return Path(os.environ.get("QXUB_WINDOWS_ROOT") or cache_directory() / "root")


@dataclass(frozen=True)
class WindowsPython:
    """A CPython for Windows, such as version "3.11" in C:\\Python311."""

    version: str
    drive_c: Path

    @property
    def directory(self) -> Path:
        """Where this system sees it."""
        return self.drive_c / f"Python{self.version.replace('.', '')}"

    @property
    def program(self) -> str:
        """Windows' path of python.exe."""
        return f"{windows_path(self.directory, self.drive_c)}\\python.exe"


@dataclass(frozen=True)
class Root:
    """The directory with Wine's prefix, which holds drive C:, and the locales for Wine."""

    directory: Path

    @property
    def prefix(self) -> Path:
        return self.directory / "prefix"

    @property
    def drive_c(self) -> Path:
        return self.prefix / "drive_c"

    @property
    def locales(self) -> Path:
        return self.directory / "locales"

    def environment(self, code_page: int = 1252) -> dict[str, str]:
        """What a Wine process finds in its environment; HOME keeps Wine out of the user's own."""
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.directory),
            "LANG": CODE_PAGES[code_page],
            "LOCPATH": str(self.locales),
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
        }

    def pythons(self) -> list[WindowsPython]:
        """The Pythons that are completely set up, the oldest first."""
        ready = self.drive_c.glob("Python*/" + WHEEL_RECORD)
        names = [path.parent.name[len("Python") :] for path in ready]
        versions = sorted((int(name[0]), int(name[1:])) for name in names)
        return [WindowsPython(f"{major}.{minor}", self.drive_c) for major, minor in versions]


WHEEL_RECORD = "qxub-wheel.txt"
"""the last file that the set-up writes: the digest of the project's wheel that is installed"""


def windows_path(path: Path, drive_c: Path) -> str:
    """The same place as Windows sees it: C: is in Wine's prefix, and Z: is the whole system."""
    if path.is_relative_to(drive_c):
        return str(PureWindowsPath("C:\\", path.relative_to(drive_c)))
    return str(PureWindowsPath("Z:\\", path.absolute()))


def obstacle(root: Root) -> str:
    """Say what keeps Windows Python from being run here; "" if nothing does."""
    if sys.platform != "linux":
        return "Wine is used on Linux only"
    if not WINE.exists():
        return f"no {WINE}; tests/windows/set_up.py installs it"
    if not root.pythons():
        return f"no Windows Python in {root.directory}; run python3 -m tests.windows.set_up"
    if root.prefix.stat().st_uid != os.geteuid():
        return f"{root.prefix} belongs to another user, which Wine refuses"
    return ""
