"""A host to be added to ssh_config, and the block that is written for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.ssh_config.destination import parse_jump_list, valid_host, valid_user
from qxub.transport.ssh_config.lines import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_NEVER = (
    (re.compile(r"\A\s*\Z"), "is empty"),
    (re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"), "has a line end or a control character"),
    (re.compile(r"\A[-#]"), "begins with - or #"),
    (re.compile(r'"'), "has a double quote"),
    (re.compile(r"\A\s|\s\Z"), "begins or ends with a blank"),
    (re.compile(r"[\ud800-\udc7f\udd00-\udfff]"), "has characters that no file can have"),
)
"""what no value may have, as it could become something else"""
_NOT_IN_ALIAS = re.compile(r"[*?!#=@/\[\]\s]")


@dataclass(frozen=True)
class NewHost:
    """What is asked for. The texts are values of ssh_config: `~`, %-tokens and ${X} have meaning.

    Raises ValueError for a text that could become more than the one value it is meant to be.
    """

    alias: str
    hostname: str
    user: str | None = None
    port: int | None = None
    identity_file: str | None = None
    proxy_jump: str | None = None

    def __post_init__(self) -> None:
        for name, text in self.values().items():
            problem = _problem(text) or _CHECKS.get(name, _no_problem)(text)
            if problem:
                raise ValueError(f"{text!r} cannot be the {_WORDS.get(name, name)}: it {problem}")

    def values(self) -> Mapping[str, str]:
        """Return keywords and values in the order of their lines; the alias first, as Host."""
        values = {
            "Host": self.alias,
            "HostName": self.hostname,
            "User": self.user,
            "Port": None if self.port is None else str(self.port),
            "IdentityFile": self.identity_file,
            "ProxyJump": self.proxy_jump,
        }
        return {name: text for name, text in values.items() if text is not None}

    def block(self, indent: str) -> list[str]:
        """Write the block, a text for each line."""
        import sshconf  # type: ignore[import-untyped] # noqa: PLC0415 - only who writes needs it

        # Of sshconf only what it does well: into a document of its own, as what it reads is not
        # safe with it. It quotes nothing.
        document = sshconf.empty_ssh_config_file()
        document.indent = indent
        values = dict(self.values())
        alias = values.pop("Host")
        raw = {"ProxyJump"}
        document.add(alias, **{k: v if k in raw else quoted(v) for k, v in values.items()})
        lines: list[str] = document.config().strip("\n").split("\n")
        return lines


_WORDS = {"Host": "alias", "HostName": "host name", "User": "user", "IdentityFile": "key file"}


def _problem(text: str) -> str:
    """Say what no value may have."""
    return next((words for pattern, words in _NEVER if pattern.search(text)), "")


def _no_problem(text: str) -> str:
    del text
    return ""


def _alias_problem(text: str) -> str:
    if _NOT_IN_ALIAS.search(text) or not valid_host(text):
        return "has a blank, or a character that has a meaning there or in a shell"
    return ""


def _host_problem(text: str) -> str:
    if "@" in text:
        return "has an @: the user is given by --user"
    if re.fullmatch(r"[^:]+:\d+|\[.*\].*", text):
        return "has a port or brackets: the port is given by --port"
    return "" if valid_host(text) else "has characters that none has"


def _user_problem(text: str) -> str:
    return "" if valid_user(text) else "has characters that none has"


def _jump_problem(text: str) -> str:
    if re.search(r"[\s#=]", text):
        return "has a blank, a # or a ="
    try:
        hops = parse_jump_list(text, lambda _: None).hosts
    except ValueError as error:
        return str(error)
    fine = all(valid_host(hop.host) and valid_user(hop.user or "") for hop in hops)
    return "" if fine else "has characters that no host and no user has"


_CHECKS = {
    "Host": _alias_problem,
    "HostName": _host_problem,
    "User": _user_problem,
    "ProxyJump": _jump_problem,
}
