"""The machine's own `ssh`, asked with -G, and this machine as `ssh` sees it."""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import dataclasses
import os
import pwd
import shutil
import subprocess
from typing import TYPE_CHECKING

from qxub.transport.ssh_config import Algorithms, this_machine

from .corpus import Answer
from .vocabulary import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qxub.transport.ssh_config import Machine

# Keyword → what `ssh -Q` calls all that can be in its list.
QUERIES = {
    "ciphers": "cipher",
    "macs": "mac",
    "kexalgorithms": "kex",
    "hostkeyalgorithms": "HostKeyAlgorithms",
    "pubkeyacceptedalgorithms": "PubkeyAcceptedAlgorithms",
    "hostbasedacceptedalgorithms": "HostbasedAcceptedAlgorithms",
    "casignaturealgorithms": "sig",
}


def missing() -> str:
    """Say why there is no `ssh` to ask, or ""."""
    return "" if shutil.which("ssh") else "its answers are compared with ours (openssh-client)"


class OpenSSH:
    """`ssh`, run in a directory of its own, with an environment that has nothing of the user's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ssh = str(shutil.which("ssh"))
        entry = pwd.getpwuid(os.getuid())  # ssh looks there, not at HOME and USER
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": entry.pw_dir,
            "SHELL": "/bin/sh",
            **ENVIRONMENT,
        }
        self.default = self.answer(["-F", "none", "h"])
        self.machine = self._machine(entry.pw_dir, entry.pw_name)

    def answer(self, arguments: Sequence[str]) -> Answer:
        """Run `ssh -G`; every keyword that it prints is in the answer's configuration."""
        status, output, errors = self._run(["-G", *arguments])
        config: dict[str, tuple[str, ...]] = {}
        for line in output:
            keyword, _, value = line.partition(" ")
            config[keyword] = (*config.get(keyword, ()), value)
        return Answer("this machine's", status != 0, config, None, tuple(errors))

    def release(self) -> str:
        """Give the name and the version."""
        return self._run(["-V"])[2][0]

    def _machine(self, home: str, user: str) -> Machine:
        defaults = self.default.config or {}
        return dataclasses.replace(
            this_machine(),
            home=home,
            user=user,
            environment=self._environment,
            algorithms=Algorithms(
                defaults={key: tuple(defaults[key][0].split(",")) for key in QUERIES},
                usable={key: tuple(self._run(["-Q", name])[1]) for key, name in QUERIES.items()},
            ),
        )

    def _run(self, arguments: Sequence[str]) -> tuple[int, list[str], list[str]]:
        ended = subprocess.run(
            [self._ssh, *(os.fsencode(argument) for argument in arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environment,
            cwd=self.directory,
            check=False,
        )
        output, errors = os.fsdecode(ended.stdout), os.fsdecode(ended.stderr)
        return ended.returncode, output.split("\n")[:-1], errors.split("\n")[:-1]
