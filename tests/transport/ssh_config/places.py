"""A case of the corpus laid out on disk, and the machine that a look-up sees there."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from qxub.transport.ssh_config import Algorithms, Machine, this_machine

from .corpus import DATA, rebased

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .corpus import Case

SYSTEM = "/etc/ssh"
# As in /etc/services, which a small machine does not have.
SERVICES = {"ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "https": 443}


def openssh_algorithms() -> Algorithms:
    """Give the lists of the OpenSSH that answered the corpus."""
    lists = json.loads((DATA / "openssh-9.2-algorithms.json").read_text(encoding="utf-8"))
    return Algorithms(
        defaults={key: tuple(names) for key, names in lists["defaults"].items()},
        usable={key: tuple(names) for key, names in lists["usable"].items()},
    )


@dataclass(frozen=True)
class Place:
    """Where the files of one case are. A look-up knows POSIX paths only, on every machine."""

    home: str  # as the look-up knows it
    folders: Mapping[str, Path]  # path as the look-up knows it → folder on disk
    modes: Mapping[str, int]  # by path as the look-up knows it

    def on_disk(self, path: str) -> str:
        """Give the true path of one that the look-up names."""
        for known, folder in self.folders.items():
            if path == known or path.startswith(known + "/"):
                return folder.as_posix() + path[len(known) :]
        return path

    def known(self, path: str) -> str:
        """Give the path by which the look-up knows a true one."""
        path = path.replace(os.sep, "/")
        for known, folder in self.folders.items():
            if path.startswith(folder.as_posix() + "/"):
                return known + path[len(folder.as_posix()) :]
        return path

    def mode(self, path: str) -> int:
        """Give the mode that the file was recorded with: root's reading obeys no mode."""
        return self.modes.get(posixpath.normpath(path), 0o600)

    def read_file(self, path: str) -> bytes:
        """Read as Machine.read_file does."""
        if not self.mode(path) & 0o400:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return this_machine().read_file(self.on_disk(path))

    def permission_problem(self, path: str) -> str:
        """Say that group or others may write the file (OpenSSH's readconf.c refuses it then)."""
        return "others may write it" if self.mode(path) & 0o022 else ""


@contextlib.contextmanager
def laid_out(case: Case) -> Iterator[tuple[Place, Machine]]:
    """Put the files of a case into a temporary directory; give it, and the machine seen there."""
    with tempfile.TemporaryDirectory(prefix="qxub-") as name:
        root = Path(name).resolve()
        # Commands of Match exec look into the home directory, so that its path must be true.
        home = "/home/cfguser" if sys.platform == "win32" else str(root / "home")
        modes = {rebased(file.path, home): file.mode for file in case.files}
        place = Place(home, {home: root / "home", SYSTEM: root / "ssh"}, modes)
        (root / "home" / ".ssh").mkdir(parents=True)
        for file in case.files:
            path = Path(place.on_disk(rebased(file.path, home)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content.replace(b"@@HOME@@", home.encode()))
            path.chmod(file.mode)
        yield place, machine_at(place, case)


def machine_at(place: Place, case: Case) -> Machine:
    """Give this machine with all that was recorded in its place; no network is asked."""
    real = this_machine()
    homes = {case.user: place.home, "root": "/root"}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": place.home,
        "USER": case.user,
        "LOGNAME": case.user,
        "LANG": "C.UTF-8",
        "SHELL": "/bin/sh",
        **{name: rebased(value, place.home) for name, value in case.environment.items()},
    }

    def glob(pattern: str) -> Sequence[str]:
        if sys.platform == "win32":  # a backslash there is no separator, but as in glob(3)
            pattern = re.sub(r"\\(.)", r"\1", pattern)
        return [place.known(path) for path in real.glob(place.on_disk(pattern))]

    def find_name(name: str, family: str) -> str | None:
        address, *canonical = case.names.get(name.rstrip("."), ("",))
        versions = {"inet": (4,), "inet6": (6,)}.get(family, (4, 6))
        if not address or ip_address(address).version not in versions:
            return None
        return canonical[0] if canonical else ""

    def find_address(text: str, family: str) -> str | None:
        # Windows reads an address in brackets, too.
        return None if text.startswith("[") else real.find_address(text, family)

    def run_shell(command: str) -> int:
        shell = shutil.which("sh") or "sh"
        ended = subprocess.run(
            [shell, "-c", os.fsencode(command)],
            env=environment,
            cwd=place.on_disk(place.home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return ended.returncode

    return dataclasses.replace(
        real,
        home=place.home,
        user=case.user,
        uid=case.uid,
        hostname=case.hostname,
        environment=environment,
        is_windows=False,
        system_directory=SYSTEM,
        read_file=place.read_file,
        glob=glob,
        permission_problem=place.permission_problem,
        home_of=homes.get,
        service_port=lambda name: SERVICES.get(name) or real.service_port(name),
        find_address=find_address,
        find_name=find_name,
        run_shell=run_shell,
        algorithms=openssh_algorithms(),
    )
