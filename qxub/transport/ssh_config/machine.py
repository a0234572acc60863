"""All that a look-up asks of the machine it runs on, so that any machine can be given."""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
from dataclasses import dataclass
from glob import glob
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Callable

from qxub.transport.ssh_config.algorithms import OURS, Algorithms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

if sys.platform == "win32":
    from qxub.transport.ssh_config import _machine_windows as twin
else:
    from qxub.transport.ssh_config import _machine_posix as twin

_FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
_ESCAPED = re.compile(r"\\(.)")

LONGEST_NAME = 255
"""octets of a name in the domain name system (RFC 1035 section 2.3.4)"""


@dataclass(frozen=True)
class Machine:
    """A machine, as ssh_config(5) looks at it. Paths are texts; "/" separates them everywhere.

    `user` is empty when the system does not know it. `read_file` raises OSError. `glob` takes a
    pattern of glob(3), without a tilde, and answers in order. `permission_problem` says what is
    wrong with a configuration file's owner or mode, or "". `find_address` gives the canonical form
    of a numeric address of a family ("any", "inet", "inet6"), and None for a name; `find_name`
    looks a name up (one that is not to be searched for in domains ends with a dot) and gives its
    canonical name, "" where it has none, and None where there is no such host. `run_shell` runs a
    command for Match exec and gives its exit status.
    """

    home: str
    user: str
    uid: int
    hostname: str
    environment: Mapping[str, str]
    is_windows: bool
    system_directory: str
    read_file: Callable[[str], bytes]
    glob: Callable[[str], Sequence[str]]
    permission_problem: Callable[[str], str]
    home_of: Callable[[str], str | None]
    service_port: Callable[[str], int | None]
    find_address: Callable[[str, str], str | None]
    find_name: Callable[[str, str], str | None]
    run_shell: Callable[[str], int]
    local_addresses: Callable[[], Sequence[str]]
    algorithms: Algorithms = OURS

    @property
    def users_file(self) -> str:
        """The user's own configuration file."""
        return self._joined(self.home, ".ssh", "config")

    @property
    def system_file(self) -> str:
        """The system's configuration file."""
        return self._joined(self.system_directory, "ssh_config")

    def _joined(self, *parts: str) -> str:
        return str((PureWindowsPath if self.is_windows else PurePosixPath)(*parts))


def this_machine() -> Machine:
    """Return the machine that this runs on, as the user who runs it sees it."""
    return Machine(
        home=str(Path.home()),
        user=_user(),
        uid=twin.uid(),
        hostname=socket.gethostname(),
        environment=os.environ,
        is_windows=sys.platform == "win32",
        system_directory=twin.system_directory(),
        read_file=_read_file,
        glob=_glob,
        permission_problem=twin.permission_problem,
        home_of=twin.home_of,
        service_port=_service_port,
        find_address=_find_address,
        find_name=_find_name,
        run_shell=twin.run_shell,
        local_addresses=_local_addresses,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # by release: no pwd, or no entry in it
        return ""


def _read_file(path: str) -> bytes:
    # for OpenSSH a directory is an empty file
    return b"" if Path(path).is_dir() else Path(path).read_bytes()


def _glob(pattern: str) -> Sequence[str]:
    """List the files that a pattern of glob(3) takes; a backslash makes a character plain."""
    escaped = _ESCAPED.sub(lambda found: f"[{found[1]}]", pattern) if os.sep == "/" else pattern
    return sorted(glob(escaped))  # noqa: PTH207 - the pattern is absolute


def _service_port(name: str) -> int | None:
    try:
        return socket.getservbyname(name, "tcp")
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate in the name
        return None


def _find_address(text: str, family: str) -> str | None:
    found = _look_up(text, family, socket.AI_NUMERICHOST)
    if len(found) != 1:
        return None
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    return socket.getnameinfo(found[0][1], numeric)[0]


def _find_name(name: str, family: str) -> str | None:
    found = _look_up(name, family, socket.AI_CANONNAME)
    return found[0][0] if found else None


def _look_up(name: str, family: str, flags: int) -> list[tuple[str, Any]]:
    """Give canonical name and address of each answer; nothing where there is none."""
    if len(name) > LONGEST_NAME:
        return []
    try:
        # as bytes, an ASCII name is spared Python's IDNA codec, which takes 2 ms to load
        raw = name.encode("ascii") if name.isascii() else name
        found = socket.getaddrinfo(
            raw, 22, family=_FAMILIES[family], type=socket.SOCK_STREAM, flags=flags
        )
    except (OSError, ValueError):  # ValueError: a NUL, or what IDNA does not take
        return []
    return [(canonical, address) for _, _, _, canonical, address in found]


def _local_addresses() -> Sequence[str]:
    import ifaddr  # noqa: PLC0415 - for `Match localnetwork` only

    addresses = [address.ip for adapter in ifaddr.get_adapters() for address in adapter.ips]
    return [ip if isinstance(ip, str) else ip[0] for ip in addresses]
