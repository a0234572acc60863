"""Lmod from Debian's package, unpacked into a directory of its own.

As packages, lmod and environment-modules exclude each other; the tests want both. On Debian:

    apt-get install lua5.3 lua-posix lua-filesystem lua-term lua-json tcl
    python -m tests.real.lmod [DIRECTORY]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PLACE = "/usr/share/lmod"
"""where the package's files look for each other"""
VARIABLE = "QXUB_LMOD"
"""names the directory, where it is not the usual one"""


def directory() -> Path:
    """Return the directory where Lmod is, or may be, unpacked."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "qxub-lmod"


def home() -> Path | None:
    """Return Lmod's own directory, the one that MODULESHOME names, or None where there is none."""
    places = [Path(f"{directory()}{PLACE}/lmod"), Path(PLACE) / "lmod"]
    return next((place for place in places if (place / "init" / "bash").exists()), None)


def set_up(target: Path) -> None:
    """Unpack the package into `target`, and let its files find each other there."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as downloads:
        download = ["apt-get", "download", "-q", "lmod"]
        if subprocess.run(download, cwd=downloads, check=False).returncode != 0:
            subprocess.run(["apt-get", "update", "-q"], check=True)
            subprocess.run(download, cwd=downloads, check=True)
        (package,) = Path(downloads).glob("lmod_*.deb")
        subprocess.run(["dpkg", "-x", str(package), str(target)], check=True)
    for path in target.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            moved = content.replace(PLACE.encode(), f"{target}{PLACE}".encode())
            if moved != content and b"\0" not in content:
                path.write_bytes(moved)


if __name__ == "__main__":
    set_up(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else directory())
