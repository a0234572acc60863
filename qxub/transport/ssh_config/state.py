"""Where a look-up stands: what is asked for, what is known by now, and the tokens that follow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable

from qxub.transport.errors import HostConfigError
from qxub.transport.ssh_config.expansion import expand, expand_tilde
from qxub.transport.ssh_config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qxub.transport.ssh_config.machine import Machine

Tokens = dict[str, Callable[[], str]]


@dataclass
class State:
    """A look-up of `alias`, the host as it was asked for.

    `host` is the name that Host patterns are matched with: the alias at first, and what has become
    of it in the final pass, which `is_final` tells. `wants_final` says that a line asks for that.
    """

    machine: Machine
    alias: str
    remote_command: str = ""
    settings: Settings = field(default_factory=Settings)
    host: str = ""
    is_final: bool = False
    wants_final: bool = False

    def __post_init__(self) -> None:
        self.host = self.host or self.alias

    @property
    def hostname(self) -> str:
        """The host's real name, by what is known now. Raises HostConfigError."""
        given = self.settings.get("hostname")
        if self.is_final or given is None:
            return given or self.host
        return self.expanded("hostname", given, {"h": lambda: self.host}, variables=False)

    @property
    def user(self) -> str:
        """Who logs in, by what is known now. Raises HostConfigError when nobody knows."""
        return self.settings.get("user") or self.local_user

    @property
    def local_user(self) -> str:
        """Who runs this. Raises HostConfigError when the system does not know."""
        if not self.machine.user:
            raise HostConfigError(
                "cannot tell your user name here: the environment and the system do not know it",
                hint="Set USER (Windows: USERNAME), or give User for the host in ssh_config.",
            )
        return self.machine.user

    @property
    def jump_host(self) -> str:
        """The name of the last jump host, or ""."""
        jump = self.settings.get("proxyjump")
        return jump.hosts[-1].host if jump and jump.hosts else ""

    def tokens(self) -> Tokens:
        """Return the tokens of ssh_config(5), TOKENS, that all keywords have."""
        machine = self.machine
        return {
            "C": self._connection_hash,
            "L": lambda: machine.hostname.partition(".")[0],
            "d": lambda: machine.home,
            "h": lambda: self.hostname,
            "i": lambda: str(machine.uid),
            "j": lambda: self.jump_host,
            "k": lambda: self.settings.get("hostkeyalias") or self._key_alias(),
            "l": lambda: machine.hostname,
            "n": lambda: self.alias,
            "p": lambda: str(self.settings.get("port")),
            "r": lambda: self.user,
            "u": lambda: self.local_user,
        }

    def expanded(
        self, name: str, text: str, tokens: Mapping[str, Callable[[], str]], *, variables: bool
    ) -> str:
        """Expand the value of a keyword. Raises HostConfigError, naming its line."""
        environment = self.machine.environment if variables else None
        try:
            return expand(text, tokens=tokens, environment=environment)
        except ValueError as error:
            raise self.wrong(name, error) from error

    def expanded_path(self, name: str, text: str, origin: str = "") -> str:
        """Expand a path: `~`, tokens and variables. Raises HostConfigError likewise."""
        machine = self.machine
        try:
            text = expand_tilde(text, machine)
            text = expand(text, tokens=self.tokens(), environment=machine.environment)
        except ValueError as error:
            raise self.wrong(name, error, origin) from error
        if machine.is_windows and text.startswith("__PROGRAMDATA__"):
            data = machine.environment.get("PROGRAMDATA", r"C:\ProgramData")
            return data + text[len("__PROGRAMDATA__") :]
        return text

    def wrong(self, name: str, error: ValueError, origin: str = "") -> HostConfigError:
        """Return the error for a value that came from a file, with its line."""
        problem = f"{origin or self.settings.origin(name)}: {name} {error}"
        return HostConfigError(problem, problems=(problem,))

    def _key_alias(self) -> str:
        return self.alias

    def _connection_hash(self) -> str:
        parts = (
            *(self.machine.hostname, self.hostname, str(self.settings.get("port")), self.user),
            self.jump_host,
        )
        text = "".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.sha1(text).hexdigest()  # noqa: S324 - the definition of %C
