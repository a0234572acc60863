"""What ssh_config says about a host (ssh_config(5)), for the keywords that this client uses so far.

The first value of a keyword wins, except that IdentityFile accumulates. Other keywords are passed
over. What would change how the host is reached, and is not supported, is an error, never ignored.
"""

from __future__ import annotations

import getpass
import glob
import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from qxub.transport.errors import HostConfigError
from qxub.transport.host_config import DEFAULT_PORT, HostConfig
from qxub.transport.patterns import matches_any
from qxub.transport.ssh_config_values import (
    Line,
    expand,
    parse_flag,
    parse_hop,
    parse_port,
    parse_seconds,
    read_lines,
)

log = logging.getLogger(__name__)

MAX_INCLUDE_DEPTH = 16
DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
USED_KEYWORDS = (
    *("connecttimeout", "globalknownhostsfile", "hostkeyalias", "hostname", "identitiesonly"),
    *("identityagent", "port", "proxycommand", "proxyjump", "user", "userknownhostsfile"),
)


def resolve(
    alias: str,
    *,
    config_file: Path | None = None,
    home: Path | None = None,
    user: str | None = None,
) -> HostConfig:
    """Look a host alias up, as `ssh [-F config_file] [-l user] alias` would.

    `alias` may be written `user@alias`. Without `config_file` the user's file and then the
    system's are read, and either may be missing. Raises HostConfigError, naming file and line.
    """
    at_user, _, name = alias.rpartition("@")
    lookup = _Lookup(name, home or Path.home(), config_file, user or at_user or None, None)
    return lookup.result()


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError) as error:  # by release: no pwd, or no entry in it
        raise HostConfigError(
            "cannot tell your user name here: the environment and the system do not know it",
            hint="Set USER (Windows: USERNAME), or give User for the host in ssh_config.",
        ) from error


@dataclass
class _Lookup:
    alias: str
    home: Path
    config_file: Path | None
    user: str | None
    port: int | None
    is_jump: bool = False
    values: dict[str, Line] = field(default_factory=dict)
    identities: list[Line] = field(default_factory=list)

    def result(self) -> HostConfig:
        for file, base in self._roots():
            self._read(file, base, depth=0)
        return HostConfig(
            alias=self.alias,
            hostname=self._hostname(),
            port=self._port(),
            user=self._user(),
            identity_files=self._identity_files(),
            identities_only="identitiesonly" in self.values
            and parse_flag(self.values["identitiesonly"]),
            identity_agent=self._identity_agent(),
            proxy_jump=self._proxy_jump(),
            user_known_hosts_files=self._files(
                "userknownhostsfile",
                [self.home / ".ssh" / name for name in ("known_hosts", "known_hosts2")],
            ),
            global_known_hosts_files=self._files(
                "globalknownhostsfile",
                [system_directory() / name for name in ("ssh_known_hosts", "ssh_known_hosts2")],
            ),
            connect_timeout=parse_seconds(self.values.get("connecttimeout")),
            host_key_alias=self._first("hostkeyalias"),
        )

    def _roots(self) -> list[tuple[Path, Path]]:
        """List the files to read, each with the directory to which its Includes are relative."""
        own = self.home / ".ssh"
        if self.config_file is not None:
            if not self.config_file.is_file():
                raise HostConfigError(f"{self.config_file}: no such ssh_config file")
            return [(self.config_file, own)]
        system = system_directory()
        roots = [(own / "config", own), (system / "ssh_config", system)]
        return [(file, base) for file, base in roots if file.is_file()]

    def _read(self, file: Path, base: Path, depth: int) -> None:
        active = True
        for line in read_lines(file):
            if line.keyword == "host":
                active = matches_any(self.alias, line.arguments)
            elif line.keyword == "match":
                active = self._match(line)
            elif active and line.keyword == "include":
                self._include(line, base, depth + 1)
            elif active:
                self._keep(line)

    def _include(self, line: Line, base: Path, depth: int) -> None:
        if depth > MAX_INCLUDE_DEPTH:
            raise HostConfigError(f"{line.where}: Include is nested too deeply (or in a circle)")
        for argument in line.arguments:
            path = base / expand(argument, line, home=self.home, tokens={})
            for found in sorted(glob.glob(str(path))):  # noqa: PTH207 - the pattern is absolute
                self._read(Path(found), base, depth)

    def _keep(self, line: Line) -> None:
        if line.keyword == "identityfile":
            self.identities.append(line)
        elif line.keyword in USED_KEYWORDS:
            # of ProxyJump and ProxyCommand the first wins, "none" included
            keyword = "proxy" if line.keyword.startswith("proxy") else line.keyword
            self.values.setdefault(keyword, line)
        else:
            log.debug("%s: %s is not used by this client", line.where, line.keyword)

    def _match(self, line: Line) -> bool:
        """Whether a Match line applies. A criterion that is not known here never matches."""
        words = [part for word in line.arguments for part in word.split("=", 1)]
        if words == ["all"]:
            return True
        subjects = {
            "host": self._hostname,
            "originalhost": lambda: self.alias,
            "user": self._user,
            "localuser": _local_user,
        }
        applies = True
        while words:
            criterion = words.pop(0)
            subject = subjects.get(criterion.lstrip("!").lower())
            if subject is None:
                log.warning("%s: Match %s is not supported: no match", line.where, criterion)
                return False
            if not words:
                raise HostConfigError(f"{line.where}: Match {criterion} needs a pattern")
            matched = matches_any(subject(), words.pop(0).split(","))
            applies = applies and matched != criterion.startswith("!")
        return applies

    def _first(self, keyword: str) -> str | None:
        line = self.values.get(keyword)
        return line.arguments[0] if line else None

    def _hostname(self) -> str:
        line = self.values.get("hostname")
        if line is None:
            return self.alias
        return expand(line.arguments[0], line, home=None, tokens={"h": self.alias})

    def _port(self) -> int:
        if self.port is not None:
            return self.port
        line = self.values.get("port")
        return parse_port(line.arguments[0], line.where) if line else DEFAULT_PORT

    def _user(self) -> str:
        return self.user or self._first("user") or _local_user()

    def _path(self, text: str, line: Line) -> Path:
        tokens = {
            "d": str(self.home),
            "h": self._hostname(),
            "n": self.alias,
            "p": str(self._port()),
            "r": self._user(),
            **({"u": _local_user()} if "%u" in text else {}),
        }
        return Path(expand(text, line, home=self.home, tokens=tokens))

    def _identity_files(self) -> tuple[Path, ...]:
        if not self.identities:
            return tuple(self.home / ".ssh" / name for name in DEFAULT_IDENTITIES)
        pairs = [(line.arguments[0], line) for line in self.identities]
        paths = [self._path(text, line) for text, line in pairs if text.lower() != "none"]
        return tuple(dict.fromkeys(paths))

    def _identity_agent(self) -> str | None:
        line = self.values.get("identityagent")
        if line is None or line.arguments[0] in ("none", "SSH_AUTH_SOCK"):
            return line.arguments[0] if line else None
        return str(self._path(line.arguments[0], line))

    def _files(self, keyword: str, default: list[Path]) -> tuple[Path, ...]:
        line = self.values.get(keyword)
        if line is None:
            return tuple(default)
        return tuple(self._path(text, line) for text in line.arguments if text.lower() != "none")

    def _proxy_jump(self) -> tuple[HostConfig, ...]:
        line = self.values.get("proxy")
        if line is None or line.arguments[0].lower() == "none":
            return ()
        if line.keyword == "proxycommand":
            raise HostConfigError(f"{line.where}: ProxyCommand is not supported yet")
        user, name, port = parse_hop(line)
        if name == self.alias:  # `Host *` with a ProxyJump means all hosts but the jump host
            return ()
        if self.is_jump:
            raise HostConfigError(f"{line.where}: more than one ProxyJump hop is not supported yet")
        return (_Lookup(name, self.home, self.config_file, user, port, is_jump=True).result(),)


def system_directory() -> Path:
    """Where the system's ssh_config and ssh_known_hosts are."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "ssh"
    return Path("/etc/ssh")
