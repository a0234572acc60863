"""A machine whose files are in memory: for look-ups by the thousand, and on another system."""

from __future__ import annotations

import dataclasses
import errno
import fnmatch
import ntpath
import os
from typing import TYPE_CHECKING, Any

from qxub.transport.ssh_config import this_machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qxub.transport.ssh_config import Machine


def machine_with(
    files: Mapping[str, bytes], *, home: str, is_windows: bool = False, **changes: Any
) -> Machine:
    """Give a machine that has these files and no others, and asks no network.

    Windows' paths are the same in either case, and with either slash.
    """

    def one_name(path: str) -> str:
        return ntpath.normcase(ntpath.normpath(path)) if is_windows else path

    known = {one_name(path): path for path in files}

    def read_file(path: str) -> bytes:
        if one_name(path) not in known:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return files[known[one_name(path)]]

    def glob(pattern: str) -> Sequence[str]:
        wanted = one_name(pattern)  # fnmatchcase, as fnmatch itself goes by this machine's rules
        return sorted(path for name, path in known.items() if fnmatch.fnmatchcase(name, wanted))

    machine = dataclasses.replace(
        this_machine(),
        home=home,
        user="ann",
        uid=1000,
        hostname="host.example.org",
        environment={"HOME": home, "PROGRAMDATA": r"C:\ProgramData"},
        is_windows=is_windows,
        system_directory=r"C:\ProgramData\ssh" if is_windows else "/etc/ssh",
        read_file=read_file,
        glob=glob,
        permission_problem=lambda _: "",
        home_of={"root": "/root", "ann": home}.get,
        service_port={"ssh": 22}.get,
        find_name=lambda _name, _family: None,
        run_shell=lambda command: len(command) % 2,
        local_addresses=lambda: ("10.0.0.7", "fe80::1%eth0"),
    )
    return dataclasses.replace(machine, **changes)
