"""The values that have been found so far: the first one wins, but for the few that accumulate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qxub.transport.patterns import matches
from qxub.transport.ssh_config.destination import JumpList
from qxub.transport.ssh_config.keywords import KEYWORDS, Keyword

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILES = 100
"""of IdentityFile and of CertificateFile"""

DEFAULT = "default"
"""the origin of what nobody set"""


class Value(NamedTuple):
    """A value, and where it comes from: "FILE:LINE", "command line" or "default"."""

    value: Any
    origin: str
    is_users: bool = True


class Settings:
    """What the lines that apply have set, by keyword."""

    def __init__(self) -> None:
        self._first: dict[str, Value] = {}
        self._added: dict[str, list[Value]] = {"identityfile": [], "certificatefile": []}
        self._added["sendenv"] = []

    def put(self, keyword: Keyword, value: object, origin: str, *, is_users: bool) -> None:
        """Take a line's value, unless it comes too late. Raises ValueError for one file too many.

        None counts as not given. The parts of a dictionary are set independently of each other.
        """
        if value is None:
            return
        if keyword.adds:
            self._add(keyword.name, Value(value, origin, is_users))
        elif isinstance(value, dict):
            for name, part in value.items():
                self._first.setdefault(name, Value(part, origin))
        elif isinstance(value, JumpList):
            self._put_jump(value, origin)
        else:
            self._first.setdefault(keyword.name, Value(value, origin))

    def get(self, name: str) -> Any:  # noqa: ANN401 - each keyword has its own type
        """Return the value of a keyword, or its default."""
        found = self._first.get(name)
        return found.value if found else KEYWORDS[name].default

    def part(self, name: str, default: object) -> Any:  # noqa: ANN401 - as above
        """Return a part of a value that has two, such as "rekeylimit.seconds"."""
        found = self._first.get(name)
        return found.value if found else default

    def origin(self, name: str) -> str:
        """Tell where the value of a keyword comes from."""
        found = self._first.get(name)
        return found.origin if found else DEFAULT

    def is_set(self, name: str) -> bool:
        """Whether a line or the command line has set a keyword."""
        return name in self._first

    def added(self, name: str) -> Sequence[Value]:
        """Return the values of a keyword that accumulates."""
        return self._added[name]

    def fix(self, name: str, value: object) -> None:
        """Replace a value by what has become of it; its origin stays."""
        self._first[name] = Value(value, self.origin(name))

    def _add(self, name: str, entry: Value) -> None:
        values = self._added[name]
        if name == "sendenv":
            self._add_variables(entry.value, entry.origin)
        elif not any(
            known.value == entry.value and known.is_users == entry.is_users for known in values
        ):
            if len(values) >= MAX_FILES:
                raise ValueError(f"may be given {MAX_FILES} times at most")
            values.append(entry)

    def _add_variables(self, names: Sequence[str], origin: str) -> None:
        values = self._added["sendenv"]
        for name in names:
            if name.startswith("-"):
                names_so_far = {known.value for known in values}
                gone = {known for known in names_so_far if matches(known, name[1:])}
                values[:] = [known for known in values if known.value not in gone]
            else:
                values.append(Value(name, origin))

    def _put_jump(self, jump: JumpList, origin: str) -> None:
        """Take ProxyJump, which ProxyCommand keeps out; and the other way about."""
        if not jump.hosts:
            self._first.setdefault("proxyjump", Value(jump, origin))
        elif "proxyjump" not in self._first and "proxycommand" not in self._first:
            self._first["proxyjump"] = Value(jump, origin)
            self._first["proxycommand"] = Value("none", origin)
