"""The lines and values of an ssh_config file: splitting, expanding and checking them."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qxub.transport.errors import HostConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_RAW = frozenset({"proxycommand", "remotecommand"})  # the rest of the line is for a shell
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\["'\\ ]|[^\s"'])+""")
_PIECE = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\\(["'\\ ])|(.)""")


@dataclass(frozen=True)
class Line:
    """One keyword with its arguments. `where` is "FILE:LINE" for messages."""

    where: str
    keyword: str
    arguments: tuple[str, ...]


def read_lines(file: Path) -> Iterator[Line]:
    """Read the lines of a file that hold a keyword. Raises HostConfigError."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise HostConfigError(f"{file}: cannot be read: {error.strerror or error}") from error
    if sys.platform == "win32":
        content = content[3:] if content.startswith(b"\xef\xbb\xbf") else content
    for number, raw in enumerate(content.split(b"\n"), start=1):
        text = raw.decode("utf-8", "surrogateescape").strip()
        if text and not text.startswith("#"):
            yield _parse(text, f"{file}:{number}")


def _parse(text: str, where: str) -> Line:
    found = re.match(r"([^\s=\"]+|\"[^\"]+\")(?:\s*=\s*|\s+)(.*)", text)
    if found is None:
        raise HostConfigError(f"{where}: keyword {text} has no value")
    keyword, rest = found[1].strip('"').lower(), found[2]
    arguments = (rest,) if keyword in _RAW else tuple(_split(rest, where))
    if not arguments or not arguments[0]:
        raise HostConfigError(f"{where}: keyword {found[1]} has no value")
    return Line(where, keyword, arguments)


def _split(text: str, where: str) -> Iterator[str]:
    """Split a value into words: quotes group, backslash escapes quotes, "#" begins a comment."""
    position = 0
    while text[position:].strip():
        position += len(text[position:]) - len(text[position:].lstrip())
        if text[position] == "#":
            return
        word = _WORD.match(text, position)
        if word is None or (word.end() < len(text) and not text[word.end()].isspace()):
            raise HostConfigError(f"{where}: a quote is not closed: {text}")
        position = word.end()
        yield _PIECE.sub(_unquote, word[0])


def _unquote(piece: re.Match[str]) -> str:
    if piece[1]:
        return re.sub(r"\\([\"'\\])", r"\1", piece[1][1:-1])
    return piece[2] or piece[3]


def expand(text: str, line: Line, *, home: Path | None, tokens: Mapping[str, str]) -> str:
    """Replace %-tokens, `${NAME}` and, where `home` is given, a leading `~/`.

    Raises HostConfigError for a token not in `tokens`, an unset variable, or another user's home.
    """

    def replace(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        value = {**tokens, "%": "%"}.get(name) if found[1] else os.environ.get(name)
        if value is None:
            raise HostConfigError(f"{line.where}: {found[0]} cannot be expanded in {text}")
        return value

    if home is not None and text.startswith("~"):
        if text != "~" and text[1] not in "/\\":
            raise HostConfigError(f"{line.where}: another user's home is not supported: {text}")
        text = "%d" + text[1:]
        tokens = {**tokens, "d": str(home)}
    return re.sub(r"%(.)|\$\{([^}]*)\}", replace, text)


def parse_port(text: str, where: str) -> int:
    """Read a port number from 1 to 65535. Raises HostConfigError."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise HostConfigError(f"{where}: {text} is not a port number")
    return int(text)


def parse_flag(line: Line) -> bool:
    """Read a yes or no. Raises HostConfigError."""
    value = {"yes": True, "true": True, "no": False, "false": False}.get(line.arguments[0].lower())
    if value is None:
        raise HostConfigError(f"{line.where}: expected yes or no, not {line.arguments[0]}")
    return value


def parse_seconds(line: Line | None) -> float | None:
    """Read a time such as `90` or `1m30s` (sshd_config(5), TIME FORMATS), in seconds.

    None stands for no limit. Raises HostConfigError.
    """
    if line is None or line.arguments[0].lower() == "none":
        return None
    text = line.arguments[0].lower()
    if not re.fullmatch(r"([0-9]+[smhdw]?)+", text):
        raise HostConfigError(f"{line.where}: {text} is not a time")
    parts = re.findall(r"([0-9]+)([smhdw]?)", text)
    return float(sum(int(number) * _UNITS[unit] for number, unit in parts)) or None


def parse_hop(line: Line) -> tuple[str | None, str, int | None]:
    """User, host and port of a ProxyJump line: `[user@]host[:port]`, an IPv6 host in brackets.

    Raises HostConfigError, for more than one hop too.
    """
    text = line.arguments[0].removeprefix("ssh://").rstrip("/")
    if "," in text:
        raise HostConfigError(f"{line.where}: more than one ProxyJump hop is not supported yet")
    user, _, rest = text.rpartition("@")
    found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]+))(?::(.*))?", rest)
    if found is None:
        raise HostConfigError(f"{line.where}: {text} is not a jump host")
    port = parse_port(found[3], line.where) if found[3] is not None else None
    return user or None, found[1] or found[2], port
