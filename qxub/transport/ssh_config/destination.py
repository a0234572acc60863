"""Hosts as people write them: `user@host`, `[v6]:port`, `ssh://` URIs, and lists of jump hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Optional

ServicePort = Callable[[str], Optional[int]]

_BAD_IN_HOST = re.compile(r"[ \x00-\x1f\x7f'`\"$\\;&<>|(){},]")
_BAD_IN_USER = re.compile(r"[\x00-\x1f\x7f'`\";&<>|(){}]| -|\\\Z")
_HOST_AND_PORT = re.compile(r"(?:\[([^\]]+)\]|((?!\[)[^:/]+))(?::(.*))?", re.DOTALL)
_NUMBER = re.compile(r"\s*\+?([0-9]{1,9})", re.ASCII)
_DOMAIN = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class JumpHost:
    """One hop of ProxyJump, as it was written."""

    user: str | None
    host: str
    port: int | None

    def __str__(self) -> str:
        numeric = ":" in self.host or not self.host.strip("1234567890.")
        return (
            (f"{self.user}@" if self.user is not None else "")
            + (f"[{self.host}]" if numeric else self.host)
            + (f":{self.port}" if self.port else "")
        )


@dataclass(frozen=True)
class JumpList:
    """The value of ProxyJump; no hosts for "none". `before` is the text of all but the last."""

    hosts: tuple[JumpHost, ...]
    before: str = ""

    def __str__(self) -> str:
        return ",".join(filter(None, (self.before, str(self.hosts[-1])))) if self.hosts else "none"


def valid_host(host: str) -> bool:
    """Whether a host name from a command line holds nothing that a shell would take up."""
    return not host.startswith("-") and _BAD_IN_HOST.search(host) is None


def valid_user(user: str) -> bool:
    """Whether a user name from a command line holds nothing that a shell would take up."""
    return not user.startswith("-") and _BAD_IN_USER.search(user) is None


def valid_domain(name: str) -> bool:
    """Whether `name` looks like a name of the domain name system; "_" is allowed, too."""
    return _DOMAIN.fullmatch(name) is not None


def parse_destination(text: str, service_port: ServicePort) -> JumpHost:
    """Read what stands where ssh(1) has `destination`. Raises ValueError."""
    if text.startswith("ssh://"):
        return _parse_uri(text, service_port)
    user, host = _cut_user(text, text.rpartition("@"))
    return JumpHost(user, host, None)


def parse_jump_list(text: str, service_port: ServicePort) -> JumpList:
    """Read a comma-separated list of jump hosts, or "none". Raises ValueError.

    As OpenSSH 9 does, it reads no further than to a blank.
    """
    if text.lower() == "none":
        return JumpList(())
    text = text.partition("#")[0]
    blank = re.search(r"\s", text[1:])
    text = text[: blank.start() + 1] if blank else text
    hosts = tuple(_parse_hop(part, service_port) for part in text.split(","))
    return JumpList(hosts, text.rpartition(",")[0])


def parse_port(text: str, service_port: ServicePort) -> int:
    """Read a port from 1 to 65535, or the name of a service (services(5)). Raises ValueError."""
    found = _NUMBER.fullmatch(text)
    port = int(found[1]) if found else service_port(text)
    if port is None or not 0 < port < 65536:
        raise ValueError(f"takes a port from 1 to 65535, not {text!r}")
    return port


def _parse_hop(text: str, service_port: ServicePort) -> JumpHost:
    if text.startswith("ssh://"):
        return _parse_uri(text, service_port)
    user, rest = _cut_user(text, text.rpartition("@"))
    return JumpHost(user, *_parse_host_and_port(rest, text, service_port))


def _parse_uri(text: str, service_port: ServicePort) -> JumpHost:
    """Read `ssh://[user[;parameters]@]host[:port]`; a path is not allowed."""
    user, at, rest = text[len("ssh://") :].partition("@")
    parts = (user.partition(";")[0], at, rest) if at else ("", "", user)
    user_or_none, rest = _cut_user(text, parts)
    rest = rest.removesuffix("/")
    host, port = _parse_host_and_port(rest, text, service_port)
    if not valid_domain(host):
        raise ValueError(f"has no valid host name in {text!r}")
    host = host.removesuffix(".")
    return JumpHost(None if user_or_none is None else _decode(user_or_none, text), host, port)


def _cut_user(whole: str, parts: tuple[str, str, str]) -> tuple[str | None, str]:
    user, at, rest = parts
    if at and not user:
        raise ValueError(f"has no user before the @ in {whole!r}")
    return (user if at else None), rest


def _parse_host_and_port(
    text: str, whole: str, service_port: ServicePort
) -> tuple[str, int | None]:
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:
        raise ValueError(f"takes [user@]host[:port], hops separated by commas, not {whole!r}")
    return found[1] or found[2], parse_port(found[3], service_port) if found[3] else None


def _decode(text: str, whole: str) -> str:
    """Undo the percent-encoding of a URI's user (RFC 3986 section 2.1), with + for a blank."""
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", text):
        raise ValueError(f"has a wrong %-code in {whole!r}")
    raw = re.sub(
        rb"%([0-9A-Fa-f]{2})",
        lambda found: bytes([int(found[1], 16)]),
        text.replace("+", " ").encode("utf-8", "surrogateescape"),
    )
    return raw.decode("utf-8", "surrogateescape")
